// Plays one film in one player and reports what happened. It judges nothing: the test does.
"use strict";

const TICK_MS = 50;
// The fastest at which Chromium still plays the sound as well.
const QUICKLY = 4;
// Only so that a player that never gets there ends with a message; nothing is measured against it.
const PATIENCE_MS = 30_000;
// Between two wishes for the same I-frame.
const AGAIN_MS = 1_000;

const report = { errors: [] };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The first error of the player ends the play.
function goOn() {
  if (report.errors.length > 0) throw new Error("stopped");
}

async function until(what, condition) {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await pause(TICK_MS / 2)) {
    goOn();
    if (condition()) return;
  }
  throw new Error(`waited in vain: ${what}`);
}

const ranges = (buffered) => Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);

// Start of the frame that is on the screen after a seek to a time at which there is one.
async function frameAt(video, time) {
  let shown = null;
  video.requestVideoFrameCallback((_, frame) => (shown = frame.mediaTime));
  video.currentTime = time;
  await until(`a seek to ${time}`, () => !video.seeking);
  await until(`the frame at ${time}`, () => shown !== null);
  return shown;
}

// Behind the last picture nothing new is painted.
async function seek(video, time, pictureEnd) {
  if (time < pictureEnd) return { to: time, frame: await frameAt(video, time) };
  video.currentTime = time;
  await until(`a seek to ${time}`, () => !video.seeking);
  return { to: time, at: video.currentTime };
}

// Plays to the end; says how many ticks in a row the film stood still. Ticks, not a clock: a busy machine has fewer of both.
async function playOn(video, what, isDone) {
  let still = 0;
  let longest = 0;
  let before = -1;
  await video.play();
  await until(`the film moves for ${what}`, () => video.currentTime > 0);
  while (!isDone()) {
    goOn();
    await pause(TICK_MS);
    still = video.currentTime === before && !video.seeking ? still + 1 : 0;
    before = video.currentTime;
    longest = Math.max(longest, still);
    if (still * TICK_MS > PATIENCE_MS) throw new Error(`the film stands still at ${before} instead of ${what}`);
  }
  return longest * TICK_MS;
}

async function switchRungs(video, player) {
  const heights = player.rungs().sort((one, other) => one - other);
  const shown = [];
  if (heights.length < 2) return shown;
  for (const height of [heights.at(0), heights.at(-1), heights.at(0)]) {
    await seek(video, 0.1, 0);
    player.chooseRung(height);
    await video.play();
    await until(`a picture of ${height} lines`, () => video.videoHeight === height);
    const from = video.currentTime;
    await until(`the film moves on at ${height} lines`, () => video.ended || video.currentTime > from);
    video.pause();
    shown.push(height);
  }
  return shown;
}

async function switchLanguages(video, player) {
  const languages = player.audio();
  const heard = [];
  if (languages.length < 2) return heard;
  for (const number of [...languages.keys()].reverse()) {
    await seek(video, 0.1, 0);
    player.chooseAudio(number);
    await until(`the audio track ${languages[number]}`, () => player.audioIs(number));
    const bytes = video.webkitAudioDecodedByteCount;
    await video.play();
    await until(`sound of ${languages[number]}`, () => video.webkitAudioDecodedByteCount > bytes && video.currentTime > 0.5);
    video.pause();
    heard.push(languages[number]);
  }
  return heard;
}

// Every cue of the first text track as the browser would show it.
async function readCues(video, player) {
  if (player.text().length === 0) return null;
  player.chooseText(0);
  await seek(video, 0.1, 0);
  video.playbackRate = QUICKLY;
  const seen = new Map();
  await playOn(video, "the end with subtitles", () => {
    for (const track of video.textTracks)
      for (const cue of track.cues ?? []) seen.set(`${cue.startTime} ${cue.text}`, { start: cue.startTime, end: cue.endTime, text: cue.text });
    return video.ended;
  });
  return [...seen.values()].sort((one, other) => one.start - other.start);
}

// Starts of the I-frames that are shown for some times, behind each other; null where the player plays none.
async function trickPlay(player, duration) {
  const still = document.body.appendChild(document.createElement("video"));
  const show = player.trickPlay(still);
  if (show === null) return null;
  const shown = [];
  for (const part of [0.05, 0.9, 0.4]) {
    let frame = null;
    still.requestVideoFrameCallback((_, painted) => (frame = painted.mediaTime));
    // hls.js forgets a wish that comes while it opens its media, so it is repeated.
    let wished = -Infinity;
    await until(`the I-frame at ${part * duration}`, () => {
      if (frame === null && performance.now() - wished > AGAIN_MS) {
        wished = performance.now();
        show(part * duration);
      }
      return frame !== null;
    });
    shown.push({ to: part * duration, frame });
  }
  return shown;
}

// Called by play.mjs. PICTURE_END is when the last picture ends, in seconds; 0 where there is none.
async function watch(name, url, pictureEnd) {
  const video = document.querySelector("video");
  video.addEventListener("error", () => report.errors.push(`video: ${video.error.code} ${video.error.message}`));
  const player = players[name](video, report.errors);
  try {
    await player.load(url);
    await until("the first frame", () => video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA);
    await until("a full buffer", () => ranges(video.buffered).at(-1)?.[1] > video.duration - 0.1);
    report.buffered = ranges(video.buffered);
    report.width = video.videoWidth;
    report.height = video.videoHeight;
    video.playbackRate = QUICKLY;
    report.still_ms = await playOn(video, "the end", () => video.ended);
    report.end = video.currentTime;
    report.duration = video.duration;
    report.audio_bytes = video.webkitAudioDecodedByteCount;
    video.pause();
    video.playbackRate = 1;
    report.seeks = [];
    for (const part of [0.7, 0.2, 0.5]) report.seeks.push(await seek(video, part * report.duration, pictureEnd));
    if (pictureEnd > 0) report.last_frame = await frameAt(video, Math.min(pictureEnd, report.duration) - 0.002);
    report.rungs = await switchRungs(video, player);
    report.languages = await switchLanguages(video, player);
    report.cues = await readCues(video, player);
    report.gaps_jumped = player.gapsJumped();
    report.trick = pictureEnd > 0 ? await trickPlay(player, Math.min(pictureEnd, report.duration)) : null;
  } catch (error) {
    const buffered = JSON.stringify(ranges(video.buffered));
    report.errors.push(`${error.message} (at ${video.currentTime} of ${video.duration}, state ${video.readyState}, buffered ${buffered})`);
  }
  return report;
}
