#!/usr/bin/env bash
# Prints each lifecycle rule of the stack: what it does to which objects, and for those that move objects from which size on that pays, at the
# list prices of deploy/prices. Exit status: 0, or 1 where a rule moves objects that cost more to move than two months save.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage="usage: deploy/lifecycle.sh [NAME=VALUE]...    parameters of deploy/stack/main.yaml; defaults otherwise"
for argument in "$@"; do
  case $argument in [A-Z]*=*) ;; *)
    echo "lifecycle: expected NAME=VALUE, found $argument; $usage" >&2
    exit 2
    ;;
  esac
done

defaults=$(sed -nE 's/^  ([A-Za-z]+): \{.*Default: "?([^",}]*[^",} ])?"?[,} ].*/\1=\2/p' "$here/stack/main.yaml")
printf '%s\n' "$defaults" "$@" | awk -F= -v prices="$here/prices/us-east-1.toml" -v rules="$here/stack/storage.yaml" '
  # What stands after NAME: in a rule, with a parameter replaced by its value.
  function field(rule, name) {
    if (!match(rule, name ": (!Ref )?[A-Za-z0-9_-]+")) return ""
    rule = substr(rule, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
    return sub(/^!Ref /, "", rule) ? value[rule] : rule
  }
  BEGIN {
    while ((getline row < prices) > 0) {
      if (row ~ /^\[price\./) { gsub(/\[price\.|\]/, "", row); key = row }
      else if (row ~ /^usd = /) { sub(/usd = /, "", row); usd[key] = row }
    }
    # Until 30 days without a read nothing is saved, so two months of watching stand against one of saving. Reading back costs nothing.
    fee = usd["s3-transition"] + 2 * usd["s3-monitoring"]
    saved = usd["s3-standard"] - usd["s3-infrequent"]
    pays = fee / saved
  }
  { value[$1] = substr($0, length($1) + 2) }
  END {
    while ((getline row < rules) > 0) {
      if (row ~ /^  [A-Za-z]+Bucket:$/) { bucket = tolower(row); gsub(/ |bucket:/, "", bucket) }
      if (row !~ /- \{ Id: /) continue
      count++
      which = field(row, "Key") ? " with the tag " field(row, "Key") "=" field(row, "Value") : ""
      if (row ~ /StorageClass/) {
        if (field(row, "StorageClass") != "INTELLIGENT_TIERING") { print "lifecycle: no prices of " field(row, "StorageClass") > "/dev/stderr"; exit 2 }
        size = field(row, "ObjectSizeGreaterThan") / 1000000
        what = sprintf("objects%s above %.2f MB move after %d days; 1,000 of that size cost %.4f to move and watch for two months, which saves %.4f, then %.4f a month for %.4f; it pays from %.2f MB on",
          which, size, field(row, "TransitionInDays"), fee, size * saved, size * saved, usd["s3-monitoring"], pays)
        if (size < pays) failed = 1
      } else if (row ~ /ExpirationInDays/) what = sprintf("objects%s go after %d days; a GB costs %.4f a month until then", which, field(row, "ExpirationInDays"), usd["s3-standard"])
      else if (row ~ /NoncurrentDays/) what = sprintf("old versions go after %d days; a GB costs %.4f a month until then", field(row, "NoncurrentDays"), usd["s3-standard"])
      else if (row ~ /DaysAfterInitiation/) what = sprintf("parts of unfinished uploads go after %d days; a GB costs %.4f a month until then", field(row, "DaysAfterInitiation"), usd["s3-standard"])
      else what = "delete markers without versions go; they cost nothing"
      printf "%-10s  %-18s  %s\n", bucket, field(row, "Id"), what
    }
    exit failed
  }'
