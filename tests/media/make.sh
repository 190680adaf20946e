#!/bin/sh
# Makes the sample media of this folder anew. Needs ffmpeg (with libvpx, libx264 and libopus), espeak-ng and the font
# DejaVu: apt-get install -y --no-install-recommends ffmpeg espeak-ng fonts-dejavu-core
# The pictures are computed, so this takes some minutes.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

# Everything goes round in 8 seconds, so that a looped film has no seam.
seconds=8
rate=30
# Opus begins with 312 samples that players skip; without them the sound would be one packet longer than the film.
samples=$((seconds * 48000 - 312))

# --- film: ridges drift past under an evening sky, with a running clock -------------------------------------------
turn="2*PI*T/$seconds"
far="(0.60-0.08*sin(2*PI*1.5*X/W+$turn)-0.035*sin(2*PI*4*X/W+2*$turn+1)-0.012*sin(2*PI*11*X/W+5*$turn))"
mid="(0.74-0.07*sin(2*PI*1.2*X/W+2*$turn+2)-0.03*sin(2*PI*5*X/W+5*$turn)-0.01*sin(2*PI*13*X/W+9*$turn+3))"
near="(0.90-0.05*sin(2*PI*X/W+3*$turn+4)-0.03*sin(2*PI*4*X/W+9*$turn)-0.008*sin(2*PI*19*X/W+31*$turn))"
across="(X/W-0.68-0.02*sin($turn))"
sun="($across*$across*3.16+(Y/H-0.36)*(Y/H-0.36))"
# One colour channel: the sky, the far, middle and near ridge, the glow around the sun, the sun.
channel() {
    echo "st(0,Y/H);if(gt(ld(0),$near),$4,if(gt(ld(0),$mid),$3+20*(ld(0)-$mid),if(gt(ld(0),$far),$2+60*(ld(0)-$far),\
min(255,$1+$5*exp(-$sun*30)+$6*exp(-$sun*900)))))"
}
red=$(channel "40+190*ld(0)" 120 70 22 80 120)
green=$(channel "60+110*ld(0)" 84 52 26 60 110)
blue=$(channel "130+20*ld(0)" 128 84 46 10 90)
text="fontcolor=white@0.9:font=DejaVu Sans"
ff -f lavfi -i "nullsrc=size=320x180:rate=$rate:duration=$seconds" -c:v ffv1 -vf "format=rgb24,\
geq=r='$red':g='$green':b='$blue',scale=640:360:flags=bicubic,\
drawtext=text='hst-rtc':x=24:y=20:fontsize=28:$text,\
drawtext=text='%{eif\:t\:d}.%{eif\:mod(n,$rate)\:d\:2}':x=w-110:y=h-48:fontsize=30:$text Mono,format=yuv420p" \
    "$work/film.mkv"

vp8() { ff -i "$1" -c:v libvpx -b:v "$2" -deadline good -cpu-used 1 -lag-in-frames 0 -g 15 -error-resilient 1 \
    -auto-alt-ref 0 -threads 1 "$3"; }
vp8 "$work/film.mkv" 320k film.ivf
ff -i "$work/film.mkv" -c:v libx264 -profile:v baseline -level 3.1 -preset slow -b:v 320k -maxrate 480k -bufsize 480k \
    -x264-params keyint=15:min-keyint=15:scenecut=0:bframes=0:repeat-headers=1:threads=1:sliced-threads=0 \
    -bsf:v h264_mp4toannexb film.h264

# Its sound: speech over a quiet chord.
espeak-ng -v en-us -s 140 -p 40 -w "$work/speech.wav" \
    "Hello! This is a sample film. The mountains pass by, the clock is running, and I keep on talking, so that you can hear that the sound is here as well."
ff -i "$work/speech.wav" \
    -f lavfi -i "aevalsrc='0.03*(sin(2*PI*220*t)+sin(2*PI*277.25*t)+sin(2*PI*329.625*t))*(0.7+0.3*sin(2*PI*t/4))':s=48000:d=$seconds" \
    -filter_complex "[0]aresample=48000,volume=0.9,apad[speech];[speech][1]amix=inputs=2:duration=shortest:normalize=0,\
atrim=end_sample=$samples" \
    -ac 1 -c:a libopus -b:a 32k -application voip -frame_duration 20 -page_duration 20000 film.ogg

# --- rings: another picture, small, to tell a second publisher from the first, and its sound, a tone ----------------
ff -f lavfi -i "nullsrc=size=320x180:rate=$rate:duration=$seconds" -c:v ffv1 -vf "format=rgb24,\
geq=r='128+100*sin(hypot(X-160,Y-90)/9-4*$turn)':g='128+90*sin(hypot(X-90-40*sin($turn),Y-60)/13-3*$turn)':b='160',\
drawtext=text='two':x=14:y=10:fontsize=24:$text,format=yuv420p" "$work/rings.mkv"
vp8 "$work/rings.mkv" 160k rings.ivf
ff -f lavfi -i "aevalsrc='0.4*sin(2*PI*440*t)*(0.6+0.4*sin(2*PI*2*t))':s=48000:d=$seconds" -af "atrim=end_sample=$samples" \
    -ac 1 -c:a libopus -b:a 32k -application audio -frame_duration 20 -page_duration 20000 tone.ogg

ls -l ./*.ivf ./*.h264 ./*.ogg
