#!/usr/bin/env bash
# Reads an environment as the account has it now and prints, for each control and resource, what it found and its verdict. Changes nothing.
# Exit status: 0 no control fails, 1 AWS did not answer, 2 wrong input or missing tools, 3 a control fails.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/common.sh"

usage="usage: deploy/validate-security.sh ENV [--region REGION] [--json] [--viewer-profile NAME] [--producer-profile NAME]"
json='' viewer='' producer=''
positional=()
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=yes ;;
    --region | --viewer-profile | --producer-profile)
      [ $# -ge 2 ] || refuse "expected a value after $1; $usage"
      case $1 in
        --region) AWS_REGION=$2 ;;
        --viewer-profile) viewer=$2 ;;
        --producer-profile) producer=$2 ;;
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
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/security/validate.py" "$env_name" "$AWS_REGION" "$json" "$viewer" "$producer"
