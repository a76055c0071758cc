#!/usr/bin/env bash
# Reads workbooks that Debian's packages ship, and generated ones, with Vitrine, Gnumeric and LibreOffice, cell by cell.
#
#	apt-get download ──dpkg -x──> out/oracle ──> go test -corpus
#
# The packages are unpacked, not installed: they would bring all of R.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/env.sh

corpus=$PWD/${OUT:-out/oracle}
mkdir -p "$corpus"
for package in r-cran-readxl r-cran-gdata r-cran-openxlsx r-cran-rio libspreadsheet-parseexcel-perl; do
	[ -d "$corpus/$package" ] && continue
	(cd "$corpus" && apt-get -q download "$package" >/dev/null)
	dpkg -x "$corpus/$package"_*.deb "$corpus/$package"
	rm -f "$corpus/$package"_*.deb
done
go test ./agent/connect/format -run 'LibreOffice|Figures' -corpus "$corpus" -v -count 1 -timeout 60m
