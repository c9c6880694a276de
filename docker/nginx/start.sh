#!/bin/sh
# Before Nginx starts, after its templates were filled: what only a script can write, and the balancer.
set -eu
out=/etc/nginx/conf.d run=/run/balancer

# Proxies in front whose word about the client is taken, as addresses or networks.
hops=$(printf %s "${TRUSTED_PROXIES:-}" | tr ',' ' ')
for hop in $hops; do
    if ! printf %s "$hop" | grep -qE '^[0-9a-fA-F:.]+(/[0-9]{1,3})?$'; then
        echo "nginx: TRUSTED_PROXIES: \"$hop\" is no address or network, such as 10.0.0.0/8" >&2
        exit 1
    fi
done
{
    for hop in $hops; do echo "set_real_ip_from $hop;"; done
    echo "real_ip_header X-Forwarded-For;"
    echo "real_ip_recursive on;"
    echo 'geo $realip_remote_addr $is_trusted_hop {'
    echo "default 0;"
    for hop in $hops; do echo "$hop 1;"; done
    echo "}"
} >"$out/trusted_proxies.inc"

rm -rf "$run"
mkdir -p "$run" /var/www/edge/.well-known/acme-challenge
touch "$run/tls"
sh /etc/nginx/templates/balance &
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -S "$run/balancer.sock" ] && break
    sleep 0.5
done
