# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev demo              trace a small Flask shop under gunicorn and show the calls (root)
## ./dev cast              draw docs/text.svg: what --to text shows of the shop (root)

. scripts/setup.sh
. scripts/build.sh

# Ends what the demo started, and nothing else.
demo_end() {
	local pid
	for pid in ${DEMO_TRACER:-} ${DEMO_SHOP:-}; do
		kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
	done
	rm -rf "${DEMO_DIR:-}"
}

free_port() {
	$PYTHON - <<-'END'
	import socket
	for port in (8000, 0):
	    s = socket.socket()
	    try:
	        s.bind(("127.0.0.1", port))
	    except OSError:
	        continue
	    print(s.getsockname()[1])
	    break
	END
}

# Asks until the shop answers; $1 is its address.
wait_for_shop() {
	$PYTHON - "$1" <<-'END'
	import sys, time, urllib.error, urllib.request
	for _ in range(100):
	    try:
	        urllib.request.urlopen(sys.argv[1], timeout=2).read()
	        break
	    except urllib.error.HTTPError:
	        break
	    except OSError:
	        time.sleep(0.1)
	else:
	    sys.exit("the shop does not answer")
	END
}

# Two workers on 127.0.0.1; sets url.
start_shop() {
	local port
	DEMO_DIR=$(mktemp -d)
	trap demo_end EXIT
	trap 'exit 130' INT TERM
	port=$(free_port)
	url=http://127.0.0.1:$port
	say "starting the shop: gunicorn with 2 workers on $url"
	PYTHONPATH=$PWD/examples PYTHONDONTWRITEBYTECODE=1 $PYTHON -m gunicorn --workers 2 \
		--bind "127.0.0.1:$port" shop.app:app >"$DEMO_DIR/shop.log" 2>&1 &
	DEMO_SHOP=$!
	wait_for_shop "$url" || { cat "$DEMO_DIR/shop.log" >&2; die "the shop did not start"; }
}

# A recording of the requests, drawn as it is rendered: what is drawn needs no luck with time.
cast() {
	local url
	need_root cast
	quietly build
	start_shop
	build/bin/flowtrace-bpf -q --pid "$DEMO_SHOP" --follow --prefix shop --to null \
		--record "$DEMO_DIR/record" -d 6 &
	DEMO_TRACER=$!
	sleep 3
	wait_for_shop "$url/products/tea"
	wait_for_shop "$url/products/caviar"
	$PYTHON examples/shop_requests.py "$url" >/dev/null
	wait "$DEMO_TRACER"
	DEMO_TRACER=
	$PYTHON scripts/cast.py docs/text.svg "sudo flowtrace-bpf --pid 1234 --prefix shop --to text" \
		112 24 build/bin/flowtrace-bpf -q --replay "$DEMO_DIR/record" --prefix shop --to text
	say "drew docs/text.svg"
}

demo() {
	local url out=$PWD/demo.jsonl i
	need_root demo
	setup demo
	say "building"
	quietly build
	start_shop

	rm -f "$out"
	say "build/bin/flowtrace-bpf --pid $DEMO_SHOP --follow --prefix shop -o $out"
	build/bin/flowtrace-bpf --pid "$DEMO_SHOP" --follow --prefix shop -o "$out" -v \
		2>"$DEMO_DIR/trace.log" &
	DEMO_TRACER=$!
	for i in $(seq 300); do # a busy machine takes its time
		kill -0 "$DEMO_TRACER" 2>/dev/null && ! grep -q 'attached after' "$DEMO_DIR/trace.log" || break
		sleep 0.1
	done
	sleep 1

	say "sending requests"
	$PYTHON examples/shop_requests.py "$url"
	sleep 0.5
	kill -INT "$DEMO_TRACER" 2>/dev/null || true
	i=0
	wait "$DEMO_TRACER" || i=$?
	DEMO_TRACER=
	cat "$DEMO_DIR/trace.log" >&2
	[ $i = 0 ] || die "flowtrace-bpf ended with status $i"
	[ -s "$out" ] || die "the trace is empty"

	say "the calls, one a line"
	$PYTHON examples/show_trace.py --limit 60 "$out"
	say "the events: $out ($(wc -l <"$out") lines)"
	say "all of it as a tree: examples/show_trace.py $out"
}
