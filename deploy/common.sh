# What the scripts of this folder share. Read by them, not run.
# shellcheck shell=bash

say() { echo "$(basename "$0" .sh): $*" >&2; }
# Wrong input or a missing tool: one line, and nothing was changed.
refuse() {
  say "$*"
  exit 2
}
fail() {
  say "$*"
  exit 1
}

# Older versions of the AWS CLI do not read this variable.
aws() {
  command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} --no-cli-pager "$@"
}

check_tools() {
  local tool missing=()
  for tool in "$@"; do type -P "$tool" >/dev/null || missing+=("$tool"); done
  [ "${#missing[@]}" -eq 0 ] || refuse "these programs are missing: ${missing[*]}"
}

check_environment() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,10}[a-z0-9]$ ]] ||
    refuse "expected an environment of 2 to 12 lower-case letters, digits and hyphens, found $1 (names of buckets are made of it)"
}

# choose_region REGION USAGE: the region of every call that follows.
choose_region() {
  [ -n "$1" ] || refuse "expected --region or AWS_REGION; $2"
  export AWS_REGION=$1 AWS_DEFAULT_REGION=$1
}

account_of() {
  aws sts get-caller-identity --query Account --output text 2>/dev/null ||
    refuse "AWS does not accept the credentials at hand; try \`aws sts get-caller-identity\`"
}

check_region() {
  [[ $1 =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] || refuse "expected a region such as eu-west-1, found $1"
  aws ec2 describe-regions --region-names "$1" >/dev/null 2>&1 || refuse "the region $1 does not exist, or this account has not enabled it"
}

# free, ours, or foreign.
bucket_state() {
  local answer
  if answer=$(aws s3api head-bucket --bucket "$1" 2>&1); then
    echo ours
  elif [[ $answer == *404* || $answer == *NoSuchBucket* ]]; then
    echo free
  else
    echo foreign
  fi
}

# A stack's status; `none` where there is no such stack, or one that exists only as a change set.
stack_status() {
  local status
  if ! status=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
    [[ $status == *'does not exist'* ]] || refuse "AWS does not tell about the stack $1: $(tail -n 1 <<<"$status")"
    status=none
  fi
  case $status in REVIEW_IN_PROGRESS | DELETE_COMPLETE) status=none ;; esac
  echo "$status"
}

# Asks AWS whether the caller may make one thing of each service that needs rights. Where AWS does not answer, it says so and goes on.
check_rights() {
  local account=$1 environment=$2 caller action resource decision denied=() here="$AWS_REGION:$1"
  caller=$(aws sts get-caller-identity --query Arn --output text)
  case $caller in
    *:assumed-role/*) caller="arn:aws:iam::$account:role/$(cut -d / -f 2 <<<"$caller")" ;;
    *:root) return ;;
  esac
  while read -r action resource; do
    if ! decision=$(aws iam simulate-principal-policy --policy-source-arn "$caller" --action-names "$action" --resource-arns "$resource" \
      --context-entries "ContextKeyName=aws:RequestedRegion,ContextKeyValues=$AWS_REGION,ContextKeyType=string" \
      --query 'EvaluationResults[0].EvalDecision' --output text 2>/dev/null); then
      say "rights: AWS does not tell those of $caller; deploy/policies/deployer.json lists what is needed"
      return
    fi
    [ "$decision" = allowed ] || denied+=("$action")
  done <<END
cloudformation:CreateChangeSet arn:aws:cloudformation:$here:stack/reelgate-$environment/*
s3:CreateBucket arn:aws:s3:::reelgate-$environment-$account-$AWS_REGION-ingest
kinesis:CreateStream arn:aws:kinesis:$here:stream/reelgate-$environment-events
sqs:CreateQueue arn:aws:sqs:$here:reelgate-$environment-dead-letters
sns:CreateTopic arn:aws:sns:$here:reelgate-$environment-notices
events:PutRule arn:aws:events:$here:rule/reelgate-$environment-uploads
ssm:PutParameter arn:aws:ssm:$here:parameter/reelgate/$environment/store/url
logs:CreateLogGroup arn:aws:logs:$here:log-group:/reelgate/$environment/nodes
cloudwatch:PutMetricAlarm arn:aws:cloudwatch:$here:alarm:reelgate-$environment-silent
rds:CreateDBCluster arn:aws:rds:$here:cluster:reelgate-$environment
iam:CreateRole arn:aws:iam::$account:role/reelgate-$environment-light-$AWS_REGION
iam:PassRole arn:aws:iam::$account:role/reelgate-$environment-light-$AWS_REGION
kms:CreateKey *
ec2:CreateVpc *
autoscaling:CreateAutoScalingGroup *
END
  [ "${#denied[@]}" -eq 0 ] || refuse "$caller may not: ${denied[*]}; deploy/policies/deployer.json lists what deploying needs"
}

# confirm YES ENV WHAT: the environment's name, typed.
confirm() {
  [ -z "$1" ] || return 0
  [ -t 0 ] || refuse "nobody is there to confirm; --yes does it"
  local typed
  read -r -p "Type $2 to $3: " typed
  [ "$typed" = "$2" ] || refuse "not confirmed"
}

# Why the stack, or one nested in it, failed.
failures_of() {
  aws cloudformation describe-stack-events --stack-name "$1" --output text \
    --query "StackEvents[?contains(ResourceStatus,'FAILED')].[LogicalResourceId,ResourceStatusReason]" 2>/dev/null | head -n 10 >&2
}

# way_out STACK STATUS ENV: what to do about a stack that CloudFormation could not bring to an end.
way_out() {
  if [ "$2" = UPDATE_ROLLBACK_FAILED ]; then
    echo "mend what its events say, then run \`aws cloudformation continue-update-rollback --stack-name $1\`"
  else
    echo "look at its events, then remove it with deploy/teardown.sh $3 --region $AWS_REGION"
  fi
}

# Waits until nothing is in progress; prints the status.
settled() {
  local status
  while :; do
    status=$(stack_status "$1")
    case $status in *_IN_PROGRESS) sleep "${REELGATE_POLL_S:-10}" ;; *) break ;; esac
  done
  echo "$status"
}

# deploy_stack STACK FILE ENV NAME=VALUE...: a small stack without nested ones.
deploy_stack() {
  local stack=$1 file=$2 environment=$3
  shift 3
  aws cloudformation deploy --stack-name "$stack" --template-file "$file" --no-fail-on-empty-changeset \
    --tags "reelgate:environment=$environment" --parameter-overrides "$@" >/dev/null || {
    failures_of "$stack"
    fail "the stack $stack could not be deployed"
  }
}

# change_stack STACK URL ENV DRY-RUN YES PARAMETERS...: makes a change set, shows it, asks, executes it and waits. Status 1 where
# nothing has changed.
change_stack() {
  local stack=$1 url=$2 environment=$3 dry_run=$4 yes=$5 kind=UPDATE name status reason
  shift 5
  if [ "$(stack_status "$stack")" = none ]; then kind=CREATE; fi
  name=reelgate-$(date -u +%Y%m%dT%H%M%SZ)-$$
  aws cloudformation create-change-set --stack-name "$stack" --change-set-name "$name" --change-set-type "$kind" --template-url "$url" \
    --capabilities CAPABILITY_NAMED_IAM --tags "Key=reelgate:environment,Value=$environment" --parameters "$@" >/dev/null ||
    fail "the change set was refused (above); nothing was changed"
  local of=(--stack-name "$stack" --change-set-name "$name")
  while :; do
    status=$(aws cloudformation describe-change-set "${of[@]}" --query Status --output text)
    case $status in CREATE_PENDING | CREATE_IN_PROGRESS) sleep "${REELGATE_POLL_S:-3}" ;; *) break ;; esac
  done
  reason=$(aws cloudformation describe-change-set "${of[@]}" --query StatusReason --output text)
  local changes change
  changes=$(aws cloudformation describe-change-set "${of[@]}" --output text \
    --query 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement]')
  if [ "$status" = FAILED ] || [ -z "$changes" ] || [ "$changes" = None ]; then
    aws cloudformation delete-change-set "${of[@]}" >/dev/null 2>&1 || true
    case $reason in
      *"didn't contain changes"* | *"No updates"* | None | '') return 1 ;;
      *) fail "the change set failed: $reason" ;;
    esac
  fi
  say "changes:"
  while IFS= read -r change; do echo "  $change"; done <<<"$changes"
  if [ -n "$dry_run" ]; then
    aws cloudformation delete-change-set "${of[@]}" >/dev/null
    # A change set for a new stack leaves an empty one.
    if [ "$kind" = CREATE ]; then aws cloudformation delete-stack --stack-name "$stack" >/dev/null; fi
    return 0
  fi
  confirm "$yes" "$environment" "deploy these changes"
  aws cloudformation execute-change-set "${of[@]}" >/dev/null
  status=$(settled "$stack")
  case $status in
    CREATE_COMPLETE | UPDATE_COMPLETE) ;;
    *ROLLBACK_COMPLETE)
      failures_of "$stack"
      fail "the stack $stack ended in $status: what was changed was rolled back"
      ;;
    *)
      failures_of "$stack"
      fail "the stack $stack ended in $status: not everything was rolled back; $(way_out "$stack" "$status" "$environment")"
      ;;
  esac
}

# Nothing uses the default group of a VPC, and CloudFormation cannot empty it.
close_default_group() {
  local group direction field rules
  group=$(aws ec2 describe-security-groups --filters "Name=vpc-id,Values=$1" Name=group-name,Values=default --query 'SecurityGroups[0].GroupId' --output text)
  for direction in ingress egress; do
    field=IpPermissions
    if [ $direction = egress ]; then field=IpPermissionsEgress; fi
    rules=$(aws ec2 describe-security-groups --group-ids "$group" --query "SecurityGroups[0].$field" --output json)
    if [ "$(tr -d ' \n' <<<"$rules")" != '[]' ]; then
      aws ec2 "revoke-security-group-$direction" --group-id "$group" --ip-permissions "$rules" >/dev/null
      say "closed the default security group of the VPC ($direction)"
    fi
  done
}

# A light node that the Systems Manager reaches.
wait_for_node() {
  local node
  for _ in $(seq 60); do
    node=$(aws ssm describe-instance-information --filters "Key=tag:reelgate:environment,Values=$1" Key=PingStatus,Values=Online \
      --query 'InstanceInformationList[0].InstanceId' --output text 2>/dev/null) || node=None
    if [ "$node" != None ] && [ -n "$node" ]; then
      echo "$node"
      return
    fi
    sleep 10
  done
  return 1
}

# on_node NODE COMMAND: runs it there and prints what it says. The command has no quotes.
on_node() {
  local id status
  id=$(aws ssm send-command --instance-ids "$1" --document-name AWS-RunShellScript --parameters "{\"commands\": [\"$2\"]}" --query Command.CommandId --output text)
  while :; do
    sleep 3
    status=$(aws ssm get-command-invocation --command-id "$id" --instance-id "$1" --query Status --output text 2>/dev/null) || status=Pending
    case $status in Pending | InProgress | Delayed) ;; *) break ;; esac
  done
  aws ssm get-command-invocation --command-id "$id" --instance-id "$1" --query '[StandardOutputContent,StandardErrorContent]' --output text >&2
  [ "$status" = Success ] || fail "on node $1: $status"
}
