#!/usr/bin/env bash
# Zensical 0.0.73: with its plugin `offline`, which is for sites that are read without a network, every page gets a script
# (of iframe-worker, which lets the search run where pages are opened from a folder) by the address of a host on the internet.
# Pages ask that host when they are served too, where the search needs no such script; from a folder without a network there
# is no script, hence no search. Without the plugin no page has it. Nothing warns, not even with --strict.
# Seen on 2026-11-30.
# Exits 0 while this is so, 1 once it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check zensical==0.0.73
mkdir "$folder/docs"
printf '# Home\n\nA word.\n' > "$folder/docs/index.md"
cd "$folder"
elsewhere() { # how many scripts of the first page come from another host
  "$folder/venv/bin/zensical" build --clean --strict > /dev/null
  { grep -oE '<script[^>]* src="(https?:)?//' site/index.html || true; } | wc -l
}
printf '[project]\nsite_name = "small"\nuse_directory_urls = false\n' > zensical.toml
without=$(elsewhere)
printf '\n[project.plugins.offline]\n' >> zensical.toml
with=$(elsewhere)
echo "scripts of a page from another host: without the plugin $without, with it $with"
[ "$without" -eq 0 ] && [ "$with" -gt 0 ]
