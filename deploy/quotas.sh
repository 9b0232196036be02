# Whether the account's quotas have room for what deploy.sh is asked for. Read by it, not run.
# shellcheck shell=bash
# `value` and `before` are the parameters now and at the last deployment, which deploy.sh declares.
# shellcheck disable=SC2154

quotas_unknown='' quotas_full=''

# quota SERVICE CODE WHAT USED NEEDED
quota() {
  local allowed
  [ "$5" -gt 0 ] || return 0
  if allowed=$(aws service-quotas get-service-quota --service-code "$1" --quota-code "$2" --query Quota.Value --output text 2>/dev/null); then
    check_room "$3" "${allowed%.*}" "$4" "$5" "aws service-quotas request-service-quota-increase --service-code $1 --quota-code $2 --desired-value $(($4 + $5))"
  else
    quotas_unknown+=" $3,"
  fi
}

# check_room WHAT ALLOWED USED NEEDED COMMAND
check_room() {
  if [ $(($3 + $4)) -gt "$2" ]; then
    quotas_full=yes
    say "the account may have $2 $1 in $AWS_REGION and has $3; the stack needs $4 more: ask for them with \`$5\`"
  fi
}

count() { aws "$@" --output text 2>/dev/null || echo 0; }

# 1 where the parameter has this value now and had another one, or none, at the last deployment.
becomes() { if [ "${value[$1]}" = "$2" ] && [ "${before[$1]-not deployed}" != "$2" ]; then echo 1; else echo 0; fi; }

check_shards() {
  local had=0 allowed open
  if [ "${value[EventTransport]}" != kinesis ] || [ -n "${value[ExistingEventStream]}" ]; then return 0; fi
  if [ "${before[EventTransport]-}" = kinesis ]; then had=${before[StreamShards]}; fi
  if read -r allowed open < <(aws kinesis describe-limits --query '[ShardLimit,OpenShardCount]' --output text 2>/dev/null); then
    check_room 'shards of Kinesis' "$allowed" "$open" "$((value[StreamShards] - had))" 'aws service-quotas list-service-quotas --service-code kinesis'
  else
    quotas_unknown+=' shards of Kinesis,'
  fi
}

# Processors of the largest fleet: 2 of a light or intake node, 4 of a heavy one. Those of this environment that run now are not counted.
check_processors() {
  local running on_demand spot heavy=${value[HeavyOnDemand]}
  running=$(aws ec2 describe-instances --filters Name=instance-state-name,Values=pending,running --output text \
    --query "Reservations[].Instances[].[InstanceLifecycle,CpuOptions.CoreCount,CpuOptions.ThreadsPerCore,Tags[?Key=='reelgate:environment'].Value|[0]]" \
    2>/dev/null) || running=''
  read -r on_demand spot < <(awk -F'\t' -v mine="$1" \
    '$4 != mine { sum[$1 == "spot"] += $2 * $3 } END { print sum[0] + 0, sum[1] + 0 }' <<<"$running")
  if [ "$heavy" -gt "${value[HeavyMax]}" ]; then heavy=${value[HeavyMax]}; fi
  local light=${value[LightMax]}
  if [ "${value[Layout]}" = split ]; then light=$((light + 3)); fi
  quota ec2 L-1216C47A 'processors on demand' "$on_demand" "$((2 * light + 4 * heavy))"
  quota ec2 L-34B43A08 'processors of spot instances' "$spot" "$((4 * (value[HeavyMax] - heavy)))"
}

# check_quotas ENV: a line for each quota that is too small, then status 2. Where AWS does not tell, it says so and goes on.
check_quotas() {
  local buckets=9 clusters=0 name
  quota vpc L-F678F1CE VPCs "$(count ec2 describe-vpcs --query 'length(Vpcs)')" "$(becomes ExistingVpcId '')"
  if [ -z "${value[ExistingVpcId]}" ]; then
    quota ec2 L-0263D0A3 'elastic addresses' "$(count ec2 describe-addresses --query 'length(Addresses)')" "$(becomes Nat one)"
  fi
  if [ "${#before[@]}" -eq 0 ]; then
    for name in Ingest Work Published Quarantine Rejected Text Audit Log; do
      if [ -n "${value[Existing${name}Bucket]}" ]; then buckets=$((buckets - 1)); fi
    done
    quota s3 L-DC2B2D3D buckets "$(count s3api list-buckets --query 'length(Buckets)')" "$buckets"
    if [ -z "${value[ExistingDatabaseHost]}" ]; then clusters=1; fi
    quota rds L-952B80B8 'database clusters' "$(count rds describe-db-clusters --query 'length(DBClusters)')" "$clusters"
  fi
  check_shards
  check_processors "$1"
  if [ -n "$quotas_full" ]; then exit 2; fi
  if [ -n "$quotas_unknown" ]; then
    say "quotas: AWS does not tell those of${quotas_unknown%,}; look at them in Service Quotas before the fleet needs many nodes"
  fi
}
