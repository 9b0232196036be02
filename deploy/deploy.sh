#!/usr/bin/env bash
# Deploys Reelgate into the AWS account of the credentials at hand, or updates it. docs/guide/aws.md leads through it.
# Exit status: 0 done, 1 AWS failed and nothing half done is left running, 2 wrong input or missing tools (nothing was changed),
# 3 deployed, but no node could be asked.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/common.sh"
# shellcheck source=deploy/quotas.sh
. "$here/quotas.sh"

usage="usage: deploy/deploy.sh ENV REGION [--dry-run] [--yes] [--no-node] [--package FILE.deb] [--certificates FILE.pem] [--set NAME=VALUE]..."
dry_run='' yes='' ask_node=yes package='' certificates=''
positional=() settings=()
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    --yes) yes=yes ;;
    --no-node) ask_node='' ;;
    --package | --certificates | --set)
      [ $# -ge 2 ] || refuse "expected a value after $1; $usage"
      case $1 in
        --package) package=$2 ;;
        --certificates) certificates=$2 ;;
        --set) settings+=("$2") ;;
      esac
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
[ "${#positional[@]}" -eq 2 ] || refuse "expected an environment and a region, found ${#positional[@]} argument(s); $usage"
env_name=${positional[0]}
AWS_REGION=${positional[1]}
export AWS_REGION AWS_DEFAULT_REGION=$AWS_REGION
check_environment "$env_name"
check_tools aws awk sha256sum curl
for file in "$package" "$certificates"; do
  [ -z "$file" ] || [ -f "$file" ] || refuse "expected the file $file, found none"
done

# Parameters: those of the last deployment, then those of --set.
names=$(sed -nE 's/^  ([A-Za-z]+): \{ Type: .*/\1/p' "$here/stack/main.yaml")
for setting in ${settings[@]+"${settings[@]}"}; do
  name=${setting%%=*}
  [[ $setting == *=* ]] || refuse "expected --set NAME=VALUE, found $setting"
  grep -qx "$name" <<<"$names" || refuse "$name is no parameter of deploy/stack/main.yaml; it has: $(tr '\n' ' ' <<<"$names")"
  [ "$name" != TemplateBase ] || refuse "TemplateBase is set by this script"
done

account=$(account_of) || exit
check_region "$AWS_REGION"
stack=reelgate-$env_name
prefix=reelgate-$env_name-$account-$AWS_REGION
say "account $account, region $AWS_REGION, stack $stack"
status=$(stack_status "$stack") || exit
case $status in
  *_IN_PROGRESS) refuse "the stack $stack is being changed ($status); wait until that has ended" ;;
  ROLLBACK_COMPLETE | *_FAILED)
    refuse "the stack $stack is in $status; $(way_out "$stack" "$status" "$env_name")" ;;
esac

declare -A value=() before=()
while IFS='=' read -r name default; do value[$name]=$default; done < <(
  sed -nE 's/^  ([A-Za-z]+): \{.*Default: "?([^",}]*[^",} ])?"?[,} ].*/\1=\2/p' "$here/stack/main.yaml"
)
if [ "$status" != none ]; then
  while IFS=$'\t' read -r name old; do
    if grep -qx "$name" <<<"$names"; then value[$name]=$old before[$name]=$old; fi
  done < <(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]')
fi
for setting in ${settings[@]+"${settings[@]}"}; do value[${setting%%=*}]=${setting#*=}; done
if [ -n "$package" ]; then value[PackageUri]=$(basename "$package"); fi
[[ ${value[ImageId]:-} =~ ^ami-[0-9a-f]+$ ]] || refuse "expected --set ImageId=ami-…, the image that nodes start from; docs/guide/aws.md says which"
if [ -n "${value[ExistingVpcId]}" ] && [ -z "${value[ExistingSubnetIds]}" ]; then
  refuse "ExistingVpcId needs ExistingSubnetIds: private subnets in at least two zones, with commas between them"
fi
if [ -n "${value[ExistingDatabaseHost]}" ] && [ -z "${value[ExistingDatabaseSecretArn]}" ]; then
  refuse "ExistingDatabaseHost needs ExistingDatabaseSecretArn: a secret with the fields username (reelgate) and password"
fi
if [ "${value[ImageBuilder]}" = create ]; then
  [[ ${value[BaseImageId]} =~ ^ami-[0-9a-f]+$ ]] || refuse "ImageBuilder=create needs --set BaseImageId=ami-…, the image of Debian that it begins with"
  [ -n "${value[ExistingVpcId]}" ] || [ "${value[Nat]}" = one ] || refuse "ImageBuilder=create needs Nat=one: a build fetches packages of Debian"
  [ -n "$package" ] || [ "${before[ImageBuilder]:-}" = create ] || refuse "ImageBuilder=create needs --package FILE.deb, which is in the images"
fi
if [ "${value[Macie]}" != none ] && [ -z "${AWS_ENDPOINT_URL:-}" ]; then
  # AWS itself publishes where its services are.
  aws ssm get-parameter --name "/aws/service/global-infrastructure/regions/$AWS_REGION/services/macie2" >/dev/null 2>&1 ||
    refuse "Macie is not to be had in $AWS_REGION; deploy with --set Macie=none, or into another region"
fi
# A bucket's name is taken once in the world. One that is there must be of this stack, or be named as existing.
if [ "$status" = none ]; then
  for area in ingest work published quarantine rejected text audit logs; do
    existing=${area^}
    if [ -n "${value[Existing${existing%s}Bucket]}" ]; then continue; fi
    case $(bucket_state "$prefix-$area") in
      free) ;;
      ours) refuse "the bucket $prefix-$area is left from an earlier deployment; choose another environment, or remove it with deploy/teardown.sh $env_name --region $AWS_REGION --destroy-data $env_name" ;;
      *) refuse "the bucket $prefix-$area belongs to another account; choose another environment" ;;
    esac
  done
fi
check_rights "$account" "$env_name"
check_quotas "$env_name"

say "in a month without uploads it costs:"
costs=()
for name in "${!value[@]}"; do costs+=("$name=${value[$name]}"); done
REELGATE_PRICES=$AWS_REGION "$here/idle-cost.sh" "${costs[@]}"

artifacts=$prefix-artifacts
if [ "$(stack_status "$stack-artifacts")" = none ]; then
  if [ -n "$dry_run" ]; then
    say "nothing is deployed yet: all resources of deploy/stack would be created. (A change set needs the bucket $artifacts, which is not there.)"
    exit
  fi
  confirm "$yes" "$env_name" "deploy"
  yes=yes
  deploy_stack "$stack-artifacts" "$here/stack/artifacts.yaml" "$env_name" "Environment=$env_name"
fi

# The folder is named for what is in it, so an unchanged stack has unchanged addresses.
version=$(cat "$here"/stack/*.yaml "$here"/stack/*.json | sha256sum | cut -c 1-16)
aws s3 cp --only-show-errors --recursive "$here/stack" "s3://$artifacts/stack/$version" --exclude '*' --include '*.yaml' --include '*.json'
if [ -n "${AWS_ENDPOINT_URL:-}" ]; then base=$AWS_ENDPOINT_URL/$artifacts; else base=https://$artifacts.s3.$AWS_REGION.amazonaws.com; fi
value[TemplateBase]=$base/stack/$version
if [ -z "$dry_run" ]; then
  if [ -n "$package" ]; then aws s3 cp --only-show-errors "$package" "s3://$artifacts/packages/${value[PackageUri]}"; fi
  if [ "${value[ImageBuilder]}" = create ]; then
    aws s3 cp --only-show-errors "$here/image/provision.sh" "s3://$artifacts/image/provision.sh"
    if [ -n "$package" ]; then aws s3 cp --only-show-errors "$package" "s3://$artifacts/image/reelgate.deb"; fi
  fi
  if [ -z "$certificates" ]; then
    certificates=$(mktemp)
    trap 'rm -f "$certificates"' EXIT
    curl -sSf -m 60 -o "$certificates" https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem ||
      fail "the certificates of RDS could not be fetched; give a copy with --certificates"
  fi
  grep -q 'BEGIN CERTIFICATE' "$certificates" || fail "expected certificates in $certificates, found none"
  aws s3 cp --only-show-errors "$certificates" "s3://$artifacts/packages/rds-ca.pem"
fi

parameters=()
for name in "${!value[@]}"; do parameters+=("ParameterKey=$name,ParameterValue=${value[$name]//,/\\,}"); done
parameters+=("ParameterKey=Environment,ParameterValue=$env_name")
if change_stack "$stack" "${value[TemplateBase]}/main.yaml" "$env_name" "$dry_run" "$yes" "${parameters[@]}"; then changed=yes; else changed=; fi
if [ -n "$dry_run" ]; then exit; fi
if [ -n "$changed" ]; then say "deployed"; else say "nothing has changed"; fi

output() { aws cloudformation describe-stacks --stack-name "$stack" --output text --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"; }
if [ -z "${value[ExistingVpcId]}" ]; then close_default_group "$(output VpcId)"; fi
if [ "${value[Macie]}" != none ]; then
  # CloudFormation has no type for jobs. The token makes a second call return the same job.
  aws macie2 create-classification-job --name "reelgate-$env_name-daily" --job-type SCHEDULED --schedule-frequency 'dailySchedule={}' \
    --client-token "reelgate-$env_name-daily" --managed-data-identifier-selector ALL --tags "reelgate:environment=$env_name" \
    --s3-job-definition "bucketDefinitions=[{accountId=$account,buckets=[$(output TextBucket),$(output PublishedBucket)]}]" >/dev/null ||
    fail "Macie's daily job could not be made"
  say "Macie looks at new texts every day"
fi
if [ -z "$ask_node" ]; then exit; fi
node=$(wait_for_node "$env_name") || {
  say "no node answers the Systems Manager within ten minutes: run \`reelgate migrate\` and \`reelgate check\` on one yourself"
  exit 3
}
# With the settings and the password that the unit has.
as_unit='systemd-run --quiet --pipe --wait -p User=reelgate -p EnvironmentFile=/etc/reelgate/node.env -p EnvironmentFile=-/run/reelgate-node/password.env'
on_node "$node" "$as_unit reelgate migrate --home /var/lib/reelgate"
on_node "$node" "$as_unit reelgate check --home /var/lib/reelgate"
say "uploading a clip"
clip=$here/../samples/big-buck-bunny-5s.mp4
key=${value[ProducerPrefix]}/deployed-$(date -u +%Y%m%dT%H%M%SZ).mp4
aws s3 cp --only-show-errors "$clip" "s3://$(output IngestBucket)/$key"
for _ in $(seq 60); do
  if aws s3api head-object --bucket "$(output PublishedBucket)" --key "$key/manifest.json" >/dev/null 2>&1; then
    say "published: s3://$(output PublishedBucket)/$key/master.m3u8"
    exit
  fi
  sleep 10
done
say "the clip $key was not published within ten minutes: ask \`reelgate why\` on a node"
exit 3
