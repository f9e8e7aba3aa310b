#!/bin/sh
# Makes a Debian pass for a fresh Amazon Linux 2023: customize.sh ROOT INPUTS OUTPUT, as root or in a user namespace.
# ROOT is the tree that mmdebstrap has installed. INPUTS has the files of this folder and what boot/image.py adds: node-*
# (one executable for each version), ca.crt, models/ (of the AWS CLI). OUTPUT receives disk.img and vmlinuz.
set -eu
root=$1 inputs=$2 output=$3

# The kernel without its package's initrd: NVMe and ext4 are built in. Of the modules only what the machine has.
# shellcheck disable=SC2016  # the guest's shell expands it
chroot "$root" sh -c 'cd /tmp && apt-get -qq download "$(apt-cache depends linux-image-cloud-amd64 |
  sed -n "s/.*Depends: \(linux-image-[0-9].*\)/\1/p")"'
dpkg-deb --fsys-tarfile "$root"/tmp/linux-image-*.deb |
  tar --extract --directory="$root" --exclude=./usr/share --keep-directory-symlink
rm "$root"/tmp/*.deb
mv "$root"/boot/vmlinuz-* "$output/vmlinuz"
rm -f "$root"/boot/*
for folder in "$root"/lib/modules/*/kernel/drivers/gpu "$root"/lib/modules/*/kernel/sound \
  "$root"/lib/modules/*/kernel/drivers/infiniband "$root"/lib/modules/*/kernel/drivers/net/ethernet \
  "$root"/lib/modules/*/kernel/drivers/scsi "$root"/lib/modules/*/kernel/drivers/target \
  "$root"/lib/modules/*/kernel/drivers/xen "$root"/lib/modules/*/kernel/drivers/usb; do
  rm -rf "$folder"
done
chroot "$root" depmod "$(ls "$root/lib/modules")"

# Packages that `dnf install` activates: out of the way until the user data asks for them.
for node in "$inputs"/node-*; do
  install -D "$node" "$root/usr/lib/dnf-stand-in/${node##*/}"
done
install -m 0755 "$inputs/dnf" "$root/usr/bin/dnf"
mv "$root/usr/sbin/nginx" "$root/usr/lib/dnf-stand-in/nginx"
mv "$root/etc/nginx" "$root/usr/lib/dnf-stand-in/etc-nginx"
rm -f "$root/lib/systemd/system/nginx.service"
install -m 0644 "$inputs/nginx.service" "$root/usr/lib/dnf-stand-in/nginx.service"
install -m 0755 "$inputs/amazon-cloudwatch-agent-ctl" "$root/usr/lib/dnf-stand-in/amazon-cloudwatch-agent-ctl"
mv "$root/usr/sbin/logrotate" "$root/lib/systemd/system/logrotate.timer" "$root/lib/systemd/system/logrotate.service" \
  "$root/usr/lib/dnf-stand-in/"
rm -f "$root/etc/systemd/system/timers.target.wants/logrotate.timer"
chroot "$root" useradd --system --no-create-home --shell /sbin/nologin nginx

# Amazon Linux has no scripts of SysV: systemd would make services of them, in place of the units.
rm -f "$root"/etc/init.d/nginx "$root"/etc/init.d/ssh "$root"/etc/rc?.d/*nginx "$root"/etc/rc?.d/*ssh

# Amazon Linux calls the SSH daemon sshd, and starts it.
rm -f "$root"/etc/systemd/system/sshd.service "$root"/etc/systemd/system/multi-user.target.wants/ssh.service
sed '/^Alias=/d' "$root/lib/systemd/system/ssh.service" >"$root/lib/systemd/system/sshd.service"
sed '/^Alias=/d' "$root/lib/systemd/system/ssh.socket" | sed 's/ssh\.service/sshd.service/' \
  >"$root/lib/systemd/system/sshd.socket"
rm "$root/lib/systemd/system/ssh.service" "$root/lib/systemd/system/ssh.socket"

# The AWS CLI of Debian is older than Amazon Linux's: these services get the models of a current one.
cp -r "$inputs/models/." "$root/usr/lib/python3/dist-packages/awscli/botocore/data/"

# Trust and names: every name under amazonaws.com leads to boot/front.py.
install -m 0644 "$inputs/ca.crt" "$root/usr/local/share/ca-certificates/sandbox.crt"
chroot "$root" update-ca-certificates >/dev/null 2>&1
# The CLI of Debian trusts the system's authorities, as Amazon Linux's does.
echo 'nameserver 127.0.0.1' >"$root/etc/resolv.conf"
echo 'server' >"$root/etc/hostname"
echo '127.0.0.1 localhost server' >"$root/etc/hosts"
install -m 0644 "$inputs/names.service" "$root/etc/systemd/system/names.service"
install -m 0644 "$inputs/80-dhcp.network" "$root/etc/systemd/network/80-dhcp.network"
install -m 0644 "$inputs/90-boot.cfg" "$root/etc/cloud/cloud.cfg.d/90-boot.cfg"

# What neither Amazon Linux has nor a server needs, each a second or more of software emulation.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  dpkg-db-backup.timer systemd-pstore.service systemd-update-utmp.service systemd-random-seed.service \
  modprobe@fuse.service modprobe@configfs.service modprobe@loop.service modprobe@dm_mod.service modprobe@drm.service \
  modprobe@efi_pstore.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount \
  sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
  getty@tty1.service serial-getty@ttyS0.service getty.target cloud-init-hotplugd.socket console-setup.service \
  systemd-hwdb-update.service ldconfig.service keyboard-setup.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
chroot "$root" systemctl --quiet enable names.service systemd-networkd.service systemd-networkd-wait-online.service \
  sshd.service

# Started by the thousand, so never compiled by a server: what Python imports is compiled here.
find "$root/usr/lib/python3/dist-packages" -name tests -type d -prune -exec rm -rf {} +
chroot "$root" python3 -m compileall -q /usr/lib/python3/dist-packages /usr/lib/python3.11 >/dev/null 2>&1 || true

rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log "$root"/var/log/apt "$root"/tmp/*
: >"$root/etc/machine-id"
rm -f "$root/etc/ssh/"ssh_host_*_key*
chroot "$root" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key

# In mounts of its own, without /proc and what else mmdebstrap has mounted below the tree.
rm -f "$output/disk.img"
# shellcheck disable=SC2016  # the inner shell expands it
unshare --mount --propagation private sh -c '
  for mounted in proc sys dev; do umount --recursive "$1/$mounted" 2>/dev/null || true; done
  exec mkfs.ext4 -q -F -L root -O ^metadata_csum,^has_journal -m 0 -d "$1" "$2" 2G
' sh "$root" "$output/disk.img"
