#!/usr/bin/env bash
# Makes the captures of golden/traffic anew: two network namespaces joined by a veth pair, Linux's own
# stack at both ends, tcpdump on the client's side. Needs root and the tools of `tools/setup.sh traffic`.
#
#   tools/make-traffic.sh [FOLDER]        default: golden/traffic
#
# Nothing leaves the two namespaces. Addresses are those reserved for documentation (RFC 5737, RFC 3849)
# and locally administered MACs, so no capture says anything of the machine that made it.
# Segmentation, receive and checksum offloads are off: what is captured is what a wire would carry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-golden/traffic}
[ "$(id -u)" -eq 0 ] || { echo "make-traffic: needs root (network namespaces)" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)

work=$(mktemp -d)
client=ringside-client-$$ server=ringside-server-$$
c4=198.51.100.1 s4=198.51.100.2 s6=2001:db8:51::2
vlan_s4=203.0.113.2
background=()

cleanup() {
  local pid
  for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  ip netns del "$client" 2>/dev/null || true
  ip netns del "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# A UTS namespace too, so that no program can put the machine's name on the wire.
on() { # on NAMESPACE COMMAND...
  local where=$1
  shift
  ip netns exec "$where" unshare --uts sh -c 'hostname ringside; exec "$@"' sh "$@"
}
serve() { # a server that lives until the end
  on "$server" "$@" >>"$work/servers.log" 2>&1 &
  background+=($!)
}

# --- the two stacks ------------------------------------------------------------------------------
ip netns add "$client"
ip netns add "$server"
ip -n "$client" link add wire address 02:52:53:00:00:01 type veth peer name wire address 02:52:53:00:00:02 netns "$server"
for side in "$client:1" "$server:2"; do
  ns=${side%:*} host=${side#*:}
  # Router solicitations and duplicate-address probes would come at times of their own.
  ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.wire.router_solicitations=0 \
    net.ipv6.conf.default.router_solicitations=0
  for feature in rx tx sg tso gso gro rxvlan txvlan tx-udp-segmentation rx-gro-list tx-gso-list rx-udp-gro-forwarding; do
    # A kernel may lack a feature or hold it fixed; the check of frame lengths below is what counts.
    ip netns exec "$ns" ethtool -K wire $feature off >/dev/null 2>&1 || true
  done
  ip -n "$ns" link set lo up
  ip -n "$ns" link set wire mtu 1500 up
  ip -n "$ns" addr add 198.51.100.$host/24 dev wire
  ip -n "$ns" addr add 2001:db8:51::$host/64 dev wire nodad
  on "$ns" python3 tools/vlan-port.py wire vlan100 100 >>"$work/servers.log" 2>&1 &
  background+=($!)
  until ip -n "$ns" link show vlan100 >/dev/null 2>&1; do sleep 0.05; done
  ip netns exec "$ns" sysctl -qw net.ipv6.conf.vlan100.disable_ipv6=1
  ip -n "$ns" link set vlan100 address 02:52:53:00:00:0$host up
  ip -n "$ns" addr add 203.0.113.$host/24 dev vlan100
done

# --- the servers ------------------------------------------------------------------------------------
mkdir "$work/www"
for n in $(seq 1 700); do echo "Line $n of a page that a virtio device carried."; done >"$work/www/page.txt"
echo '{"name": "ringside", "queues": 4}' >"$work/www/small.json"
serve python3 -m http.server --directory "$work/www" --bind :: 80
serve iperf3 -s
serve dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
  --log-facility=- --host-record=www.ringside.example,$s4,$s6 --mx-host=ringside.example,www.ringside.example,10 \
  --txt-record=ringside.example,"a ringside seat on your virtio hardware" --local=/example/ \
  --cname=ring.ringside.example,www.ringside.example
for port in 80 5201 53; do
  for _ in $(seq 100); do
    [ -n "$(ip netns exec "$server" ss -Hltn "sport = :$port")" ] && break
    sleep 0.05
  done
done
sleep 2 # link-local addresses settle, multicast reports pass

# --- one capture ---------------------------------------------------------------------------------------
capture() { # capture FILE TCPDUMP-OPTIONS... -- FUNCTION
  local file=$1 options=() pid
  shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  ip -n "$client" neigh flush all
  ip -n "$server" neigh flush all
  rm -f "$work/tcpdump.log" # the last capture's would say "listening" before this one does
  ip netns exec "$client" tcpdump -i wire -Z root -U -n --immediate-mode -B 16384 "${options[@]}" -w "$work/$file" 2>"$work/tcpdump.log" &
  pid=$!
  until grep -q 'listening on' "$work/tcpdump.log" 2>/dev/null; do sleep 0.05; done
  "$@" >"$work/$file.log" 2>&1 || { echo "make-traffic: the traffic of $file failed:" >&2; tail -5 "$work/$file.log" >&2; exit 1; }
  sleep 0.7 # delayed acknowledgements, last packets through the capture buffer
  kill -TERM $pid
  wait $pid || true
}
settle() { sleep 0.3; }

tcp_bulk() { on "$client" iperf3 -c $s4 -n 90K -l 8K; }
udp_small() { on "$client" iperf3 -u -c $s4 -l 18 -b 4M -n 7200; } # 60-byte frames, 64 with FCS: the smallest Ethernet has
dns() {
  local name type
  for name in www.ringside.example ring.ringside.example ringside.example nosuch.ringside.example; do
    for type in A AAAA MX TXT; do on "$client" dig +tries=1 +time=2 @$s4 $name $type; done
  done
  on "$client" dig +tcp +tries=1 +time=2 @$s4 ringside.example TXT
  on "$client" dig +tries=1 +time=2 @$s6 www.ringside.example AAAA
}
http() {
  on "$client" curl -sS --noproxy '*' http://$s4/small.json http://$s4/page.txt
  on "$client" curl -sS --noproxy '*' -I http://$s4/page.txt
  on "$client" curl -sS --noproxy '*' http://$s4/nosuch
}
ipv6() {
  on "$client" ping -6 -c 5 -i 0.1 $s6
  on "$client" ping -6 -c 2 -i 0.1 -s 3000 $s6 # fragments
  on "$client" curl -sS --noproxy '*' "http://[$s6]/page.txt"
  on "$client" iperf3 -6 -u -c $s6 -l 200 -b 2M -n 8K
}
vlan() {
  on "$client" ping -c 5 -i 0.1 $vlan_s4
  on "$client" curl -sS --noproxy '*' http://$vlan_s4/page.txt
  on "$client" iperf3 -u -c $vlan_s4 -l 300 -b 2M -n 6K
}
jumbo() {
  on "$client" ping -c 3 -i 0.1 -s 8972 $s4 # exactly MTU 9000
  on "$client" iperf3 -c $s4 -n 60K -l 16K
  on "$client" iperf3 -u -c $s4 -l 5000 -b 8M -n 20000
}
mixed() {
  on "$client" ping -c 4 -i 0.1 $s4
  on "$client" ping -c 3 -i 0.1 -s 1472 $s4 # exactly MTU 1500
  on "$client" ping -c 2 -i 0.1 -s 4000 $s4 # fragments
  on "$client" ping -6 -c 3 -i 0.1 $s6
  on "$client" dig +tries=1 +time=2 @$s4 www.ringside.example A
  on "$client" dig +tries=1 +time=2 @$s4 www.ringside.example AAAA
  # Two conversations at once, as any host has: steering and reordering have something to go wrong on.
  on "$client" curl -sS --noproxy '*' http://$s4/page.txt http://$s4/small.json &
  local page=$!
  on "$client" iperf3 -c $s4 -n 48K -l 8K
  wait $page
  on "$client" curl -sS --noproxy '*' "http://[$s6]/small.json"
  on "$client" ping -c 3 -i 0.1 $vlan_s4
  on "$client" curl -sS --noproxy '*' http://$vlan_s4/small.json
  on "$client" iperf3 -u -c $s4 -l 18 -b 4M -n 1800
  on "$client" iperf3 -u -c $s4 -l 512 -b 8M -n 16K
}

capture tcp-bulk.pcap -- tcp_bulk
capture udp-small.pcap -- udp_small
capture dns.pcap -- dns
capture http.pcap -- http
capture ipv6.pcap --time-stamp-precision=nano -- ipv6
capture vlan.pcap -- vlan
capture mixed.pcap -- mixed
ip -n "$client" link set wire mtu 9000
ip -n "$server" link set wire mtu 9000
settle
capture jumbo.pcap -- jumbo

# One pcapng, so that the reader's second format meets a real file. The section header's option fields
# (operating system, processor) are left out: they would name the machine.
python3 tools/pcap-to-pcapng.py "$work/http.pcap" "$work/http.pcapng"
rm "$work/http.pcap"

# --- is it what we say it is? ------------------------------------------------------------------------------
bad=0
complain() { echo "make-traffic: $*" >&2; bad=1; }
ours='eth.addr == 02:52:53:00:00:01 || eth.addr == 02:52:53:00:00:02'
sums='-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE'
wrong_sum='ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0'
printf '| file | frames | bytes of frames | shortest | longest |\n|---|---:|---:|---:|---:|\n'
for file in "$work"/*.pcap "$work"/*.pcapng; do
  name=$(basename "$file") limit=1518 # MTU 1500 + Ethernet header + one VLAN tag
  [ "$name" = jumbo.pcap ] && limit=9018
  lengths=$(tshark -r "$file" -T fields -e frame.len 2>/dev/null | sort -n)
  longest=$(tail -1 <<<"$lengths")
  [ -n "$longest" ] || { complain "$name: no frame was captured" && continue; }
  [ "$longest" -le $limit ] || complain "$name: a frame of $longest bytes, limit $limit: an offload is still on"
  # shellcheck disable=SC2086 # the options are several words on purpose
  [ -z "$(tshark -r "$file" $sums -Y "$wrong_sum" 2>/dev/null)" ] || complain "$name: wrong checksums: an offload is still on"
  [ -z "$(tshark -r "$file" -Y "!($ours)" 2>/dev/null)" ] || complain "$name: a frame that is not ours"
  awk -v name="$name" '{ n++; sum += $1; if (n == 1) low = $1; high = $1 }
    END { printf "| `%s` | %d | %d | %d | %d |\n", name, n, sum, low, high }' <<<"$lengths"
done
[ $bad -eq 0 ] || exit 1
cp "$work"/*.pcap "$work"/*.pcapng "$out/"
