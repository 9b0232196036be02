#!/usr/bin/env bash
# Writes the test media in files/ anew: one small file for every accepted container, for the shapes that real uploads
# have, and for every kind of refusal. INDEX.tsv says what each file is and how it must end.
#
# The files are committed, so only who changes the set needs ffmpeg (5.1, Debian 12) and Python 3. Pictures and sounds are
# ffmpeg's own test sources. One thread and bit-exact flags keep the bytes the same from run to run.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
rm -rf files
mkdir files
cd files
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bitexact=(-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact)
x264=(-c:v libx264 -preset veryfast -crf 32 -threads 1 -pix_fmt yuv420p)

# make FILE SECONDS ARGUMENT...: pictures of 160x90 at 25 a second and a tone. The tone's pitch comes from the file's name,
# so that no two files hold the same media.
make() {
    local file=$1 seconds=$2 pitch
    pitch=$((200 + $(printf %s "${1##*/}" | cksum | cut -d' ' -f1) % 2000))
    shift 2
    ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=size=${size:-160x90}:rate=25:duration=$seconds" \
        -f lavfi -i "sine=frequency=$pitch:sample_rate=48000:duration=$seconds" "${bitexact[@]}" "$@" "$file"
}
# The same, pictures alone and sound alone.
pictures() { make "$1" "$2" -map 0:v "${@:3}"; }
sound() { make "$1" "$2" -map 1:a "${@:3}"; }

# Every accepted container.
make h264-aac.mp4 1 "${x264[@]}" -c:a aac -b:a 48k -movflags +faststart
make fragmented.mp4 1 "${x264[@]}" -g 10 -c:a aac -b:a 48k -movflags +frag_keyframe+empty_moov+default_base_moof
pictures hevc.mp4 1 -c:v libx265 -preset veryfast -crf 34 -x265-params log-level=error:pools=none:frame-threads=1:info=0 -tag:v hvc1
pictures av1.mp4 1 -c:v libaom-av1 -cpu-used 8 -crf 45 -threads 1
make prores-pcm.mov 0.4 -c:v prores_ks -profile:v 0 -threads 1 -c:a pcm_s16le -ar 48000
make mpeg4-aac.m4v 1 -c:v mpeg4 -q:v 12 -threads 1 -c:a aac -b:a 48k -f mp4
size=176x144 make h263-aac.3gp 1 -c:v h263 -q:v 12 -threads 1 -c:a aac -b:a 48k
sound aac.m4a 1 -c:a aac -b:a 48k
make vp8-vorbis.webm 1 -c:v libvpx -b:v 150k -threads 1 -c:a libvorbis
make vp9-opus.webm 1 -c:v libvpx-vp9 -b:v 100k -threads 1 -c:a libopus -b:a 48k
make h264-flac.mkv 1 "${x264[@]}" -c:a flac
pictures ffv1.mkv 0.4 -c:v ffv1 -level 3 -threads 1
make h264-aac.ts 1 "${x264[@]}" -c:a aac -b:a 48k
make mpeg2-mp2.m2ts 1 -c:v mpeg2video -q:v 14 -threads 1 -c:a mp2 -b:a 64k -f mpegts -mpegts_m2ts_mode 1
size=352x288 make mpeg2-mp2.mpg 0.6 -c:v mpeg2video -q:v 6 -threads 1 -c:a mp2 -b:a 64k -f vob
make mpeg4-mp3.avi 1 -c:v mpeg4 -q:v 12 -threads 1 -c:a libmp3lame -b:a 64k
make mjpeg-pcm.avi 0.4 -c:v mjpeg -q:v 16 -threads 1 -pix_fmt yuvj420p -c:a pcm_s16le -ar 16000
make h264-aac.flv 1 "${x264[@]}" -c:a aac -b:a 48k
make flv1-mp3.flv 1 -c:v flv -q:v 12 -threads 1 -c:a libmp3lame -b:a 64k -ar 44100
make theora-vorbis.ogv 1 -c:v libtheora -q:v 3 -threads 1 -c:a libvorbis
sound opus.ogg 1 -c:a libopus -b:a 48k
make mpeg2-pcm.mxf 0.4 -c:v mpeg2video -q:v 14 -threads 1 -c:a pcm_s16le -ar 48000
sound pcm.wav 1 -c:a pcm_s16le -ar 16000
sound lame.mp3 1 -c:a libmp3lame -b:a 64k
sound flac.flac 1 -c:a flac
sound adts.aac 1 -c:a aac -b:a 48k

# Shapes that real uploads have.
pictures "$work/upright.mp4" 1 "${x264[@]}"
ffmpeg -nostdin -v error -y -i "$work/upright.mp4" -c copy "${bitexact[@]}" -metadata:s:v rotate=90 "rotated and with spaces.mp4"
make index-behind.mp4 1 "${x264[@]}" -c:a aac -b:a 48k
pictures odd-size-444.mp4 1 -vf scale=161:91 "${x264[@]}" -pix_fmt yuv444p
pictures ten-bit.mp4 1 "${x264[@]}" -pix_fmt yuv420p10le
make variable-rate.mp4 2 -vf "select='not(mod(floor(n/5),2))+not(mod(n,3))'" -vsync vfr "${x264[@]}" -c:a aac -b:a 48k
size=160x96 make interlaced.mov 1 -vf tinterlace=interleave_top,setfield=tff -c:v libx264 -x264-params tff=1 -preset veryfast -crf 32 -threads 1 -c:a pcm_s16le
size=160x96 make bottom-field-first.ts 1 -vf tinterlace=interleave_bottom,setfield=bff -c:v mpeg2video -flags:v +bitexact+ildct+ilme -top 0 -q:v 14 -threads 1 -c:a mp2 -b:a 64k
make starts-late.ts 1 "${x264[@]}" -c:a aac -b:a 48k -output_ts_offset 95000
pictures one-picture.mp4 0.04 "${x264[@]}"
sound mp3.wav 1 -ar 44100 -c:a libmp3lame -b:a 64k
sound adpcm.wav 1 -ar 16000 -c:a adpcm_ms
sound adpcm-ima.wav 1 -ar 16000 -c:a adpcm_ima_wav

# Text that policy looks at: invented, a test number of the card industry.
printf '1\n00:00:00,100 --> 00:00:00,900\nJust a remark.\n' >"$work/plain.srt"
printf '1\n00:00:00,100 --> 00:00:00,900\nMy card is 4539 5787 6362 1486.\n' >"$work/card.srt"
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\ntitle=Two\n' >"$work/chapters"
muxed() { ffmpeg -nostdin -v error -y "$@"; }
make "$work/film.mkv" 1 "${x264[@]}" -c:a aac -b:a 48k
muxed -i "$work/film.mkv" -i "$work/plain.srt" -i "$work/chapters" -map 0 -map 1 -map_metadata -1 -map_chapters 2 -c copy \
    -fflags +bitexact subtitles-chapters.mkv
make "$work/film.mp4" 1 "${x264[@]}" -c:a aac -b:a 48k
muxed -i "$work/film.mp4" -i "$work/card.srt" -map 0 -map 1 -map_metadata -1 -c copy -c:s mov_text -fflags +bitexact card-in-subtitle.mp4
make card-in-tag.mkv 1 "${x264[@]}" -c:a aac -b:a 48k -metadata comment="card 4539 5787 6362 1486"

# Intact media of kinds that are not accepted.
make windows-media.wmv 0.4 -c:v wmv2 -q:v 12 -threads 1 -c:a wmav2 -b:a 48k
pictures jpeg2000.mov 0.2 -c:v jpeg2000 -threads 1 -q:v 20
pictures jpeg2000.mxf 0.2 -c:v jpeg2000 -threads 1 -q:v 20
sound wavpack.mka 0.4 -c:a wavpack -ar 16000
make encrypted.mp4 1 "${x264[@]}" -c:a aac -b:a 48k -encryption_scheme cenc-aes-ctr \
    -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8
muxed -i "$work/plain.srt" -map_metadata -1 -c:s srt -fflags +bitexact only-subtitles.mkv

# Files to spoil. Long enough that what is missing shows.
make "$work/front.mp4" 2 "${x264[@]}" -g 25 -c:a aac -b:a 48k -movflags +faststart
make "$work/behind.mp4" 2 "${x264[@]}" -g 25 -c:a aac -b:a 48k
make "$work/cut.mkv" 2 "${x264[@]}" -g 25 -c:a aac -b:a 48k
make "$work/cut.avi" 2 -c:v mpeg4 -q:v 12 -threads 1 -c:a libmp3lame -b:a 64k
sound "$work/cut.wav" 2 -c:a pcm_s16le -ar 8000
make "$work/cut.ts" 2 "${x264[@]}" -g 25 -c:a aac -b:a 48k
pictures "$work/times.mkv" 8 "${x264[@]}" -g 25 -bf 0 -cluster_time_limit 1000
make "$work/long.mkv" 1 "${x264[@]}" -c:a aac -b:a 48k
pictures "$work/references.mp4" 1 "${x264[@]}" -bf 0 -movflags +faststart
pictures "$work/noise.mp4" 1 "${x264[@]}" -movflags +faststart
pictures "$work/checksum.mp4" 0.2 "${x264[@]}" -movflags +faststart
python3 "$here/hostile.py" .
python3 "$here/damaged.py" "$work" .
