#!/usr/bin/env bash
# Gives the bucket and key policies of deploy/stack to the buckets and keys of an environment that exist already. Statements of others
# stay; one with the Sid of a shipped statement becomes the shipped one.
# Exit status: 0 done or nothing to change, 1 AWS failed and the policies are as they were, 2 wrong input (nothing was changed).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/common.sh"

usage="usage: deploy/apply-policies.sh ENV [--region REGION] [--dry-run] [--yes] [--bucket AREA=NAME]... [--key PURPOSE=ARN]... [--quarantine-readers ARN]"
dry_run='' yes='' readers=''
positional=() targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    --yes) yes=yes ;;
    --region | --bucket | --key | --quarantine-readers)
      [ $# -ge 2 ] || refuse "expected a value after $1; $usage"
      case $1 in
        --region) AWS_REGION=$2 ;;
        --quarantine-readers) readers=$2 ;;
        --bucket)
          [[ $2 =~ ^(ingest|work|published|quarantine|rejected|text|audit|logs)=[a-z0-9.-]{3,63}$ ]] ||
            refuse "expected --bucket AREA=NAME with an area of ingest, work, published, quarantine, rejected, text, audit, logs; found $2"
          targets+=("bucket:$2")
          ;;
        --key)
          [[ $2 =~ ^(media|events|platform)=arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$ ]] ||
            refuse "expected --key PURPOSE=ARN with a purpose of media, events, platform and the ARN of a key; found $2"
          targets+=("key:$2")
          ;;
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
[ "${#positional[@]}" -eq 1 ] || refuse "expected an environment, found ${#positional[@]} argument(s); $usage"
env_name=${positional[0]}
check_environment "$env_name"
choose_region "${AWS_REGION:-${AWS_DEFAULT_REGION:-}}" "$usage"
check_tools aws python3
account_of >/dev/null || exit
check_region "$AWS_REGION"
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/security/apply.py" "$env_name" "$AWS_REGION" "$dry_run" "$yes" "$readers" ${targets[@]+"${targets[@]}"}
