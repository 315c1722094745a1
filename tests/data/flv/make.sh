#!/bin/sh
# Makes the files here with Debian 12's ffmpeg, and the packet lists that ffprobe reads out of them.
set -eu
cd "$(dirname "$0")"
picture() { echo "-f lavfi -i testsrc=s=64x48:r=10:d=$1 -f lavfi -i sine=f=440:r=44100:d=$1"; }
x264="-c:v libx264 -pix_fmt yuv420p -crf 40"
# shellcheck disable=SC2046,SC2086
{
  ffmpeg -v error -y $(picture 2) $x264 -preset veryfast -bf 2 -g 10 -x264-params b-adapt=0:scenecut=0 \
    -c:a aac -b:a 24k -ac 1 h264_aac_bframes.flv
  ffmpeg -v error -y $(picture 1) $x264 -profile:v baseline -g 5 -c:a libmp3lame -b:a 32k -ac 2 h264_mp3.flv
  ffmpeg -v error -y -f lavfi -i sine=f=440:r=48000:d=1 -c:a aac -b:a 32k -ac 2 aac_only.flv
}
for f in *.flv; do
  ffprobe -v error -show_entries packet=codec_type,dts,pts,size,flags -of csv=p=0 "$f" >"${f%.flv}.packets"
done
