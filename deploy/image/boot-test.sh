#!/bin/sh
# Runs in the booted machine of boot.sh, as root. $1 is the folder of the tests.
tests=$1
exec >/dev/console 2>&1
say() { echo "boot-test: $*"; }
fail() {
  say "FAILED: $*"
  journalctl --no-pager -u reelgate -u "try-*" -n 60
  exit 1
}
settings="--home /var/lib/reelgate --config /etc/reelgate/reelgate.toml"

# Runs a command once as the service runs: its user, its group of control groups, all that its unit forbids. What it says goes to the console.
as_service() {
  name=$1
  shift
  {
    sed -e "s|^ExecStart=.*|ExecStart=$*|" -e 's/^Restart=.*/Restart=no/' -e '/^\[Install\]/,$d' /usr/lib/systemd/system/reelgate.service
    # The tests are on a disk of their own, which may be mounted below /tmp.
    printf 'Type=oneshot\nStandardOutput=append:/run/%s.log\nStandardError=append:/run/%s.log\nReadWritePaths=%s\nPrivateTmp=no\n' "$name" "$name" "$tests"
    printf 'WorkingDirectory=%s\n' "$tests"
  } >"/run/systemd/system/$name.service"
  systemctl daemon-reload
  result=0
  systemctl start "$name.service" || result=$?
  cat "/run/$name.log"
  return "$result"
}

say "kernel $(uname -r), $(systemctl --version | head -n 1)"
systemctl is-active --quiet reelgate || systemctl start reelgate || fail "the service does not start"
as_service try-check "/usr/bin/reelgate check $settings" || fail "check"

waited=0
until [ -d /var/lib/reelgate/ingest ]; do
  waited=$((waited + 1))
  [ "$waited" -lt 120 ] || fail "no ingest folder"
  sleep 1
done
cp "$tests/h264-aac.mp4" /var/lib/reelgate/ingest/first.mp4 || fail "no ingest folder"
groups='' waited=0
until [ -n "$(find /var/lib/reelgate/published -name master.m3u8)" ]; do
  found=$(find /sys/fs/cgroup/system.slice/reelgate.service -name 'worker-*' 2>/dev/null | head -n 1)
  if [ -z "$groups" ] && [ -n "$found" ]; then
    groups="$found: memory.max $(cat "$found/memory.max"), pids.max $(cat "$found/pids.max"), memory.oom.group $(cat "$found/memory.oom.group")"
  fi
  waited=$((waited + 1))
  [ "$waited" -lt 6000 ] || fail "the video is not published"
  sleep 0.1
done
say "published by the service: $(find /var/lib/reelgate/published -name master.m3u8)"
[ -n "$groups" ] || fail "no worker had a control group"
say "control group of a worker: $groups"
say "exposure: $(systemd-analyze security reelgate.service | tail -n 1)"
say "log: $(journalctl --no-pager -o cat -u reelgate | grep -m 1 -o 'workers have.*')"

# Three tests say what holds under the unit in place of elsewhere: it hides workers, and ends a call of another numbering before the jail does.
as_service try-jail "$tests/cell --test-threads=1" ||
  fail "the tests of the jail"
say passed
