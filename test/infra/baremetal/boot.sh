#!/usr/bin/env bash
# boot.sh DIR SOURCE: becomes systemd, as the first process of a host of its own, whose root is DIR/root and whose services write to DIR/log.
#
# Its programs and settings are this machine's, seen through an overlay that keeps what is written in DIR. SOURCE is there as
# /release. Of this machine's services it has none. Namespaces are those of the caller's unshare: --mount --pid --net --cgroup …
set -euo pipefail
dir=$1 source=$2
root=$dir/root
mkdir -p "$root" "$dir"/{upper-usr,work-usr,upper-etc,work-etc,var,log}
mount --bind "$root" "$root"
mkdir -p "$root"/{usr,etc,var,run,tmp,proc,sys,dev,root,release,log}
for path in bin sbin lib lib32 lib64 libx32; do
  if [[ -L /$path ]]; then ln -sfn "$(readlink "/$path")" "$root/$path"; fi
done
for path in usr etc; do
  mount -t overlay overlay -o "lowerdir=/$path,upperdir=$dir/upper-$path,workdir=$dir/work-$path" "$root/$path"
done
mount --bind "$dir/var" "$root/var"
mkdir -p "$root/var/lib" "$root/var/tmp"
mount --bind "$dir/log" "$root/log"
mount --bind -o ro "$source" "$root/release"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
if grep -q '^[0-9]*:memory:' /proc/self/cgroup; then
  # Where memory is limited by cgroup v1 here, it is there too.
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  mkdir "$root"/sys/fs/cgroup/{memory,systemd,unified}
  mount -t cgroup -o memory cgroup "$root/sys/fs/cgroup/memory"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
else
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
ip link set lo up

# What a boot needs and nothing of what this machine has installed.
rm -rf "$root"/etc/systemd/system
mkdir -p "$root"/etc/systemd/system/service.d
for unit in "$root"/usr/lib/systemd/system/*.wants; do rm -rf "$unit"; done
cat >"$root/etc/systemd/system/host.target" <<'UNIT'
[Unit]
Description=The host
AllowIsolate=yes
UNIT
# No journal: services write to a file.
cat >"$root/etc/systemd/system/service.d/log.conf" <<'CONF'
[Service]
StandardOutput=append:/log/services.log
StandardError=append:/log/services.log
CONF
# A container's own first process finds its mounts shared, and gives services theirs.
mount --make-rshared "$root"
exec chroot "$root" /usr/bin/env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /usr/lib/systemd/systemd --system --unit=host.target --log-target=console --show-status=no
