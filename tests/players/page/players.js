// One adapter for each player, so that the checks know none of them. Each takes the video element and the report's list of errors.
// Rungs are heights; audio and text tracks are languages, in the order of the playlist.
"use strict";

const players = {
  hls(video, errors) {
    const hls = new Hls({ maxBufferLength: 120 });
    // Errors that hls.js recovers from are told as well: a nudge over a hole is a fault of what was published.
    // A load that hls.js itself ends because another rung is chosen is none; the switch is judged by what is shown.
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.details === Hls.ErrorDetails.INTERNAL_ABORTED) return;
      errors.push(`hls.js: ${data.details} ${data.error?.message ?? data.reason ?? ""}`.trim());
    });
    return {
      load(url) {
        hls.loadSource(url);
        hls.attachMedia(video);
      },
      rungs: () => hls.levels.filter((level) => level.height).map((level) => level.height),
      chooseRung(height) {
        hls.currentLevel = hls.levels.findIndex((level) => level.height === height);
      },
      audio: () => hls.audioTracks.map((track) => track.lang ?? ""),
      chooseAudio(number) {
        hls.audioTrack = number;
      },
      audioIs: (number) => hls.audioTrack === number,
      text: () => hls.subtitleTracks.map((track) => track.lang ?? ""),
      chooseText(number) {
        hls.subtitleDisplay = true;
        hls.subtitleTrack = number;
      },
      // A player of the I-frame playlists, with a video element of its own.
      trickPlay(still) {
        const frames = hls.createIFramePlayer();
        if (frames === null) return null;
        frames.on(Hls.Events.ERROR, (_, data) => errors.push(`hls.js, I-frames: ${data.details} ${data.error?.message ?? ""}`.trim()));
        frames.attachMedia(still);
        return (time) => frames.loadMediaAt(time);
      },
      gapsJumped: () => 0,
    };
  },

  shaka(video, errors) {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    const told = (error) => errors.push(`Shaka: ${error.code} ${JSON.stringify(error.data ?? error.message)}`);
    player.addEventListener("error", (event) => told(event.detail));
    return {
      async load(url) {
        await player.attach(video);
        player.configure({ streaming: { bufferingGoal: 120 } });
        await player.load(url).catch(told);
      },
      rungs: () => [...new Set(player.getVariantTracks().filter((track) => track.height).map((track) => track.height))],
      chooseRung(height) {
        player.configure("abr.enabled", false);
        const active = player.getVariantTracks().find((track) => track.active);
        const rungs = player.getVariantTracks().filter((track) => track.height === height);
        player.selectVariantTrack(rungs.find((track) => track.language === active?.language) ?? rungs[0], true);
      },
      audio: () => player.getAudioTracks().map((track) => track.language),
      chooseAudio: (number) => player.selectAudioTrack(player.getAudioTracks()[number]),
      audioIs: (number) => player.getAudioTracks()[number].active,
      text: () => player.getTextTracks().map((track) => track.language),
      // Of HLS, Shaka shows text only once another segment of video is appended: `TextEngine.appendBuffer` waits for the offset of times
      // that `MediaSourceEngine.appendBuffer` sets with each of them, if there is text by then. Of a film that is buffered whole, none is
      // left, so another rung is chosen.
      chooseText(number) {
        player.selectTextTrack(player.getTextTracks()[number]);
        const other = this.rungs().find((height) => height !== video.videoHeight);
        if (other !== undefined) this.chooseRung(other);
      },
      // Its trick mode takes I-frames only from where nothing is buffered.
      trickPlay: () => null,
      gapsJumped: () => player.getStats().gapsJumped,
    };
  },

  dash(video, errors) {
    const player = dashjs.MediaPlayer().create();
    const told = (event) => errors.push(`dash.js: ${event.error?.code ?? ""} ${event.error?.message ?? event.error}`);
    player.on(dashjs.MediaPlayer.events.ERROR, told);
    player.on(dashjs.MediaPlayer.events.PLAYBACK_ERROR, told);
    const sameTrack = (one, other) => one?.index === other?.index && one?.id === other?.id;
    return {
      load(url) {
        player.updateSettings({ streaming: { buffer: { bufferTimeDefault: 120, bufferTimeAtTopQuality: 120 } } });
        player.initialize(video, url, false);
      },
      rungs: () => player.getRepresentationsByType("video").map((rung) => rung.height),
      chooseRung(height) {
        player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
        const rung = player.getRepresentationsByType("video").findIndex((one) => one.height === height);
        player.setRepresentationForTypeByIndex("video", rung, true);
      },
      audio: () => player.getTracksFor("audio").map((track) => track.lang ?? ""),
      chooseAudio: (number) => player.setCurrentTrack(player.getTracksFor("audio")[number]),
      audioIs: (number) => sameTrack(player.getCurrentTrackFor("audio"), player.getTracksFor("audio")[number]),
      text: () => player.getTracksFor("text").map((track) => track.lang ?? ""),
      chooseText(number) {
        player.enableText(true);
        player.setTextTrack(number);
      },
      trickPlay: () => null,
      gapsJumped: () => 0,
    };
  },
};
