// Plays published films in real players in headless Chromium and prints a report as JSON.
//   play.mjs MODULES CHROMIUM FILMS
// MODULES holds the players' node_modules. FILMS is a JSON object: name of the film → folder, which holds a master.m3u8 and a
// manifest.mpd, and picture_end, when its last picture ends in seconds, 0 where it has none.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createReadStream, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const [modules, executablePath, named] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "players.js"))("playwright-core");
const here = fileURLToPath(new URL("page", import.meta.url));
const films = new Map(Object.entries(JSON.parse(named)));

const SCRIPTS = {
  hls: "hls.js/dist/hls.min.js",
  shaka: "shaka-player/dist/shaka-player.compiled.js",
  dash: "dashjs/dist/modern/umd/dash.all.min.js",
};
const PLAYS = [["hls", "master.m3u8"], ["shaka", "master.m3u8"], ["dash", "manifest.mpd"], ["shaka", "manifest.mpd"]];
const TYPES = {
  ".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".m4s": "video/iso.segment", ".mp4": "video/mp4",
  ".vtt": "text/vtt", ".js": "text/javascript",
};
// Films at once: a film that plays waits more than it computes.
const PAGES = 4;

const missed = [];
const server = createServer((request, response) => {
  const [, root, ...rest] = decodeURIComponent(new URL(request.url, "http://local").pathname).split("/");
  const path = normalize(rest.join("/"));
  if (root === "watch") {
    response.setHeader("content-type", "text/html");
    const scripts = [`/module/${SCRIPTS[path]}`, "/page/players.js", "/page/watch.js"];
    response.end(`<!doctype html><link rel="icon" href="data:,"><video muted></video>${scripts.map((one) => `<script src="${one}"></script>`).join("")}`);
    return;
  }
  const folder = root === "module" ? modules : root === "page" ? here : films.get(root)?.folder;
  const file = folder && !path.startsWith("..") ? join(folder, path) : null;
  const size = file ? statSync(file, { throwIfNoEntry: false })?.size : undefined;
  if (size === undefined) {
    missed.push(`${root}/${path}`);
    response.writeHead(404).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = range ? Number(range[1]) : 0;
  const end = range && range[2] !== "" ? Math.min(Number(range[2]), size - 1) : size - 1;
  const headers = { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-length": end - start + 1 };
  if (range) headers["content-range"] = `bytes ${start}-${end}/${size}`;
  response.writeHead(range ? 206 : 200, headers);
  createReadStream(file, { start, end }).pipe(response);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath,
  args: [
    "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-gpu", "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    // Chromium refuses to run as root with its sandbox; it plays nothing here but what Reelgate published.
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
  ],
});
const waiting = [...films.keys()].flatMap((film) => PLAYS.map(([player, manifest]) => ({ film, player, manifest })));
const report = [];
const work = async () => {
  for (let play = waiting.shift(); play; play = waiting.shift()) {
    const page = await browser.newPage();
    const thrown = [];
    page.on("pageerror", (error) => thrown.push(`page: ${error.message}`));
    await page.goto(`${origin}/watch/${play.player}`);
    const url = `/${encodeURIComponent(play.film)}/${play.manifest}`;
    const watched = [play.player, url, films.get(play.film).picture_end];
    const seen = await page.evaluate((watched) => watch(...watched), watched);
    seen.errors.push(...thrown);
    report.push({ ...play, ...seen });
    await page.close();
  }
};
await Promise.all(Array.from({ length: PAGES }, work));
await browser.close();
server.close();
console.log(JSON.stringify({ plays: report, missed }));
