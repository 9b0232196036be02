#!/usr/bin/env bash
# What people write without Reelgate: peer.sh VIDEO OUT takes a 720p video through sha256sum, ffprobe, one ffmpeg with
# Reelgate's default ladder and x264 settings (HLS and DASH over CMAF segments), a poster and a storyboard.
set -euo pipefail
video=$1 out=$2
mkdir -p "$out"
sha256sum "$video" >"$out/source.sha256"
ffprobe -v error -show_format -show_streams -of json "$video" >"$out/facts.json"
x264=(-preset veryfast -profile:v high -crf 23 -force_key_frames 'expr:gte(t,n_forced*4)'
      -x264-params keyint=infinite:scenecut=0:open-gop=0)
ffmpeg -v error -y -i "$video" -filter_complex \
  "[0:v]split=3[a][b][c];[a]scale=1280:720,setdar=16/9,format=yuv420p[v0];[b]scale=854:480,setdar=16/9,format=yuv420p[v1];[c]scale=426:240,setdar=16/9,format=yuv420p[v2]" \
  -map '[v0]' -map '[v1]' -map '[v2]' -map '0:a:0?' -c:v libx264 "${x264[@]}" \
  -maxrate:v:0 3000k -bufsize:v:0 6000k -maxrate:v:1 1400k -bufsize:v:1 2800k -maxrate:v:2 400k -bufsize:v:2 800k \
  -c:a aac -b:a 128k -ac 2 -ar 48000 \
  -f dash -seg_duration 4 -use_template 1 -use_timeline 1 -hls_playlist 1 -adaptation_sets 'id=0,streams=v id=1,streams=a' \
  "$out/manifest.mpd"
ffmpeg -v error -y -ss 5 -i "$video" -frames:v 1 "$out/poster.jpg"
ffmpeg -v error -y -skip_frame nokey -i "$video" -vf 'scale=-2:90,tile=10x10' -frames:v 1 -fps_mode vfr "$out/storyboard.jpg"
