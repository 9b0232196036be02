#!/usr/bin/env bash
# Prints what the stack costs in a month in which nothing is uploaded, line by line, at the list prices of deploy/prices.
# What costs by use (requests, storage of media, logs, spot instances, Macie's jobs) is not in it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage="usage: deploy/idle-cost.sh [NAME=VALUE]...    parameters of deploy/stack/main.yaml; defaults otherwise"
for argument in "$@"; do
  case $argument in [A-Z]*=*) ;; *)
    echo "idle-cost: expected NAME=VALUE, found $argument; $usage" >&2
    exit 2
    ;;
  esac
done

# Of regions without a list of their own, that of us-east-1 is printed and says so.
prices=$here/prices/${REELGATE_PRICES:-us-east-1}.toml
if [ ! -f "$prices" ]; then
  prices=$here/prices/us-east-1.toml
  echo "idle-cost: no prices of ${REELGATE_PRICES:-}, so these are those of us-east-1" >&2
fi

defaults=$(sed -nE 's/^  ([A-Za-z]+): \{.*Default: "?([^",}]*[^",} ])?"?[,} ].*/\1=\2/p' "$here/stack/main.yaml")
printf '%s\n' "$defaults" "$@" | awk -F= -v prices="$prices" '
  function line(name, count, price, quantity, note) {
    if (count * quantity == 0) return
    if (!(price in usd)) { print "idle-cost: no price of " price > "/dev/stderr"; failed = 1; exit 2 }
    hours = unit[price] == "hour" ? 730 : 1
    cost = count * quantity * hours * usd[price]
    total += cost
    printf "%9.2f  %s (%s)\n", cost, name, note ? note : count * quantity " × " usd[price] " $/" unit[price]
  }
  BEGIN {
    while ((getline row < prices) > 0) {
      if (row ~ /^\[price\./) { gsub(/\[price\.|\]/, "", row); key = row }
      else if (row ~ /^usd = /) { sub(/usd = /, "", row); usd[key] = row }
      else if (row ~ /^unit = /) { gsub(/unit = |"/, "", row); unit[key] = row }
      else if (row ~ /^region = /) { gsub(/region = |"/, "", row); region = row }
    }
  }
  { value[$1] = substr($0, length($1) + 2) }
  END {
    if (failed) exit 2
    own_network = value["ExistingVpcId"] == ""
    zones = value["InterfaceEndpoints"] == "all-zones" ? value["Zones"] : value["InterfaceEndpoints"] == "one-zone"
    macie = value["Macie"] != "none"
    split_duties = value["Layout"] == "split"
    nodes = value["LightMin"] + (split_duties ? 2 : 0)
    instances = value["Standby"] == "true" ? 2 : 1
    own_database = value["ExistingDatabaseHost"] == ""
    own_stream = value["EventTransport"] == "kinesis" && value["ExistingEventStream"] == ""
    line("database, " value["CapacityMin"] " units at least", own_database * instances, "aurora-acu", value["CapacityMin"])
    line("database, storage of the first GB", own_database, "aurora-storage", 1)
    line("stream of events", own_stream, "kinesis-shard", value["StreamShards"])
    line("NAT gateway", own_network && value["Nat"] == "one", "nat-gateway", 1)
    line("address of the NAT gateway", own_network && value["Nat"] == "one", "public-address", 1)
    line("endpoints of services, each in " zones " zone(s)", own_network * zones, "interface-endpoint", 10 + macie)
    line("nodes that are always there", nodes, "t3a-small", 1)
    line("heavy nodes that are always there, at most", value["HeavyMin"], "c6a-xlarge", 1)
    line("their disks", nodes + value["HeavyMin"], "disk-gp3", value["DiskGiB"])
    line("their detailed monitoring, seven metrics each", nodes + value["HeavyMin"], "metric", 7)
    line("keys", 1, "kms-key", (value["ExistingMediaKeyArn"] == "") + (value["ExistingEventKeyArn"] == "") + (value["ExistingPlatformKeyArn"] == ""))
    line("secret of the database", value["ExistingDatabaseSecretArn"] == "", "secret", 1)
    # Six of the stack, two of each target tracking, one of two metrics where heavy nodes start from zero, and that of the emergency stop.
    line("alarms", 1, "alarm", 10 + (value["HeavyMin"] == 0 ? 2 : 0) + (value["PauseAtUsd"] > 0 ? 1 : 0))
    full = value["CloudWatch"] == "full"
    line("metrics of the fleet, and one of its log", 1, "metric", 1 + (full ? 26 : 4))
    line("dashboards", 1, "dashboard", full ? 3 : 1)
    line("buckets that Macie watches", macie, "macie-bucket", 8)
    printf "%9.2f  US dollars in a month without uploads, list prices of %s\n", total, region
  }'
