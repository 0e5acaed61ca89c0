#!/bin/sh
# What the current branch changes in a Data Package since it left another, as Markdown on stdout, for any CI or a terminal:
#   sh diff.sh [BASE] [PACKAGE]
# BASE is the branch to merge into (origin/main); PACKAGE the package's directory from the top of the repository (the top).
# The clone needs the commit where the two branches parted: a shallow one is fetched with `git fetch --unshallow` first.
set -eu
base=${1:-origin/main}
package=${2:-}
cd "$(git rev-parse --show-toplevel)"
if ! parted=$(git merge-base "$base" HEAD); then
    echo "diff.sh: git sees no commit that $base and HEAD share; fetch $base, and the whole history" >&2
    exit 3
fi
imprint diff "git:$parted:$package" "./$package" --format markdown
