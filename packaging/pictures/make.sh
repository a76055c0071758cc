#!/bin/bash
# The README's pictures: what "vitrine preview" draws of each template today, 960 pixels wide, in 256 colours.
#
#	bin/vitrine new ──> preview --width 960 ──> ffmpeg (palette) ──> packaging/pictures/*.png
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-bin}
for program in "$bin/vitrine" "$bin/vitrine-render"; do
	[ -x "$program" ] || { echo "$program is not there: run make build first" >&2; exit 1; }
done
command -v ffmpeg >/dev/null || { echo "ffmpeg is not installed: apt-get install ffmpeg" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# picture NAME TEMPLATE SCENE TIME LANGUAGE [WIDTH]
picture() {
	[ -d "$work/$2-$5" ] || "$bin/vitrine" new "$work/$2-$5" --template "$2" --lang "$5" >/dev/null
	"$bin/vitrine" preview "$work/$2-$5" --scene "$3" --at "2027-01-04T$4" --width "${6:-960}" -o "$work/$1.png" >/dev/null
	ffmpeg -v error -y -i "$work/$1.png" -vf "split[a][b];[a]palettegen=max_colors=256:stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=4" \
		-compression_level 100 -pred mixed "packaging/pictures/$1.png"
	echo "packaging/pictures/$1.png: $(($(stat -c %s "packaging/pictures/$1.png") / 1024)) kB"
}

picture lobby lobby programme 10:09 en
picture lobby-portrait lobby-portrait programme 10:09 fr 540
picture menu-board menu-board breakfast 08:10 en
picture menu-board-offers menu-board offers 12:30 fr
picture meeting-rooms meeting-rooms rooms 10:09 en
picture departures departures board 08:02 fr
picture news-wall news-wall news 08:02 en
picture video-wall video-wall cities 10:09 en
