#!/usr/bin/env bash
# Removes what deploy.sh made. Uploads, outputs, quarantine, audit log, access logs and a last snapshot of the database stay, and the
# keys that they need, unless --destroy-data names the environment once more. Ends with a list of what is left and costs money.
# Exit status: 0 removed, 1 AWS failed, 2 wrong input or missing tools (nothing was changed).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/common.sh"

usage="usage: deploy/teardown.sh ENV [--region REGION] [--destroy-data ENV] [--yes]"
destroy='' yes=''
positional=()
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=yes ;;
    --region | --destroy-data)
      [ $# -ge 2 ] || refuse "expected a value after $1; $usage"
      if [ "$1" = --region ]; then AWS_REGION=$2; else destroy=$2; fi
      shift
      ;;
    -h | --help)
      echo "$usage"
      exit
      ;;
    -*) refuse "unknown option $1; $usage" ;;
    *) positional+=("$1") ;;
  esac
  shift
done
[ "${#positional[@]}" -eq 1 ] || refuse "expected an environment, found ${#positional[@]} argument(s); $usage"
env_name=${positional[0]}
check_environment "$env_name"
[ -z "$destroy" ] || [ "$destroy" = "$env_name" ] || refuse "--destroy-data names $destroy, expected $env_name: nothing was removed"
choose_region "${AWS_REGION:-${AWS_DEFAULT_REGION:-}}" "$usage"
check_tools aws
account=$(account_of) || exit
check_region "$AWS_REGION"
stack=reelgate-$env_name
prefix=reelgate-$env_name-$account-$AWS_REGION
status=$(stack_status "$stack") || exit
case $status in *_IN_PROGRESS) refuse "the stack $stack is being changed ($status); wait until that has ended" ;; esac

# With the stack go staged outputs, refused uploads, Macie's texts and the templates.
going=(work rejected text artifacts)
staying=(ingest published quarantine audit logs)
say "account $account, region $AWS_REGION, stack $stack ($status)"
say "goes: nodes, database (a last snapshot stays), network, events, roles, and the buckets ${going[*]} with what is in them"
if [ -n "$destroy" ]; then
  say "goes as well, for ever: the buckets ${staying[*]} with every version, snapshots of the database, images, log groups, keys"
else
  say "stays: the buckets ${staying[*]}, the last snapshot of the database, images, log groups, and their keys"
fi
confirm "$yes" "$env_name" "remove it"

# empty BUCKET: every version, a thousand at a time. Objects that a retention protects stay, and the bucket with them.
empty() {
  local versions
  while :; do
    # shellcheck disable=SC2016 # the backticks are those of the query
    versions=$(aws s3api list-object-versions --bucket "$1" --max-items 1000 --output json \
      --query '{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}, Quiet: `true`}')
    if ! [[ $versions == *'"Key"'* ]]; then break; fi
    aws s3api delete-objects --bucket "$1" --delete "$versions" --bypass-governance-retention >/dev/null
  done
}

# Of the areas, those whose bucket is there.
buckets_left() {
  local own area
  own=$(aws s3api list-buckets --query 'Buckets[].Name' --output text | tr '\t' '\n')
  for area in "$@"; do
    if grep -qxF "$prefix-$area" <<<"$own"; then echo "$area"; fi
  done
}
for area in $(buckets_left "${going[@]}"); do empty "$prefix-$area"; done
# The budget's automation sets it, so no stack owns it.
aws ssm delete-parameter --name "/reelgate/$env_name/flags/pause-heavy" 2>/dev/null || true
if [ "$status" != none ]; then
  if aws rds describe-db-clusters --db-cluster-identifier "reelgate-$env_name" >/dev/null 2>&1; then
    aws rds modify-db-cluster --db-cluster-identifier "reelgate-$env_name" --no-deletion-protection --apply-immediately >/dev/null
  fi
  aws cloudformation delete-stack --stack-name "$stack"
  status=$(settled "$stack")
  [ "$status" = none ] || {
    failures_of "$stack"
    fail "the stack $stack ended in $status; mend what is said above and run this again"
  }
fi
if [ "$(stack_status "$stack-artifacts")" != none ]; then
  aws cloudformation delete-stack --stack-name "$stack-artifacts"
  [ "$(settled "$stack-artifacts")" = none ] || fail "the bucket of artifacts could not be removed"
fi

# The alias of a key that stays goes with the stack; its description tells whose it is.
keys_left() {
  local id
  for id in $(aws kms list-keys --query 'Keys[].KeyId' --output text); do
    aws kms describe-key --key-id "$id" --query 'KeyMetadata.[KeyId,KeyState,Description]' --output text |
      awk -F'\t' -v mine="Reelgate $env_name:" '$2 == "Enabled" && index($3, mine) == 1 { print $1 }'
  done
}
snapshots_left() {
  aws rds describe-db-cluster-snapshots --snapshot-type manual --output text \
    --query "DBClusterSnapshots[?DBClusterIdentifier=='reelgate-$env_name'].DBClusterSnapshotIdentifier" 2>/dev/null | tr '\t' '\n' | grep -vx None || true
}
logs_left() {
  aws logs describe-log-groups --log-group-name-prefix "/reelgate/$env_name/" --query 'logGroups[].logGroupName' --output text |
    tr '\t' '\n' | grep -vx None || true
}
# Images of the pipeline, which no stack owns.
images_left() {
  aws ec2 describe-images --owners self --filters "Name=tag:reelgate:environment,Values=$env_name" --query 'Images[].ImageId' --output text |
    tr '\t' '\n' | grep -vx None || true
}

if [ -n "$destroy" ]; then
  for area in $(buckets_left "${staying[@]}"); do
    empty "$prefix-$area"
    aws s3api delete-bucket --bucket "$prefix-$area" || say "the bucket $prefix-$area is not empty: a retention protects what is in it"
  done
  for snapshot in $(snapshots_left); do aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier "$snapshot" >/dev/null; done
  for group in $(logs_left); do aws logs delete-log-group --log-group-name "$group"; done
  for image in $(images_left); do
    disks=$(aws ec2 describe-images --image-ids "$image" --query 'Images[0].BlockDeviceMappings[].Ebs.SnapshotId' --output text)
    aws ec2 deregister-image --image-id "$image"
    for disk in $disks; do [ "$disk" = None ] || aws ec2 delete-snapshot --snapshot-id "$disk"; done
  done
  for key in $(keys_left); do aws kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7 >/dev/null; done
fi

left=()
for area in $(buckets_left "${going[@]}" "${staying[@]}"); do left+=("bucket $prefix-$area"); done
for snapshot in $(snapshots_left); do left+=("snapshot $snapshot"); done
for image in $(images_left); do left+=("image $image and its snapshot"); done
for group in $(logs_left); do left+=("log group $group"); done
for key in $(keys_left); do left+=("key $key"); done
if [ "${#left[@]}" -eq 0 ]; then
  say "left that costs money: nothing"
else
  say "left, and costs money:"
  printf '  %s\n' "${left[@]}"
fi
