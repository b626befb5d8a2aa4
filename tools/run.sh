#!/usr/bin/env bash
# ./dev run: the tour of a newcomer, with a Passfort that is a fake or the real one. Sourced by ./dev.

readonly DEMO_KEY=demo-key
readonly DEMO_CALLER=spiffe://demo.example/caller
readonly DEMO_TRIAL_CALLER=spiffe://demo.example/trial
readonly DEMO_PROFILE=7a9c1c80-5d0f-4f6c-9d0e-2b8c6f1e3a54

work_folder=       # logs of the children, and certificates; gone at the end
child_processes=() # in the order of starting

# start_process NAME COMMAND...: in the background, with standard output in $work_folder/NAME.log and
# standard error in NAME.err. The kernel ends it even if this script is killed.
start_process() {
  local name=$1
  shift
  setpriv --pdeathsig TERM "$@" </dev/null >"$work_folder/$name.log" 2>"$work_folder/$name.err" &
  child_processes+=($!)
}

# In reverse, so that the gateway answers its last calls before what it calls goes away.
stop_processes() {
  local index pid tries
  trap '' INT TERM HUP
  for ((index = ${#child_processes[@]} - 1; index >= 0; --index)); do
    pid=${child_processes[index]}
    kill -TERM "$pid" 2>/dev/null || continue
    for ((tries = 100; tries > 0; --tries)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  child_processes=()
  [[ -z $work_folder ]] || rm -rf "$work_folder"
}

# wait_for_line NAME PATTERN: sets `line` to the first line of the last started process that matches.
wait_for_line() {
  local name=$1 pattern=$2 pid=${child_processes[-1]} tries
  for ((tries = 300; tries > 0; --tries)); do
    line=$(grep -s -m1 -e "$pattern" "$work_folder/$name.log") && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work_folder/$name.log" "$work_folder/$name.err" >&2
  fail "$name does not serve"
}

is_port_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

ask_before_live_call() {
  local url=$1 profile_id=$2 product_alias=$3 answer
  [[ -n ${PASSFORT_GATEWAY_API_KEY-} || -n ${PASSFORT_GATEWAY_API_KEY_FILE-} ]] ||
    usage_error "run --live needs PASSFORT_GATEWAY_API_KEY or PASSFORT_GATEWAY_API_KEY_FILE"
  [[ -t 0 ]] || usage_error "run --live asks before it calls Passfort, so it needs a terminal"
  say "This adds a product application at Passfort, which can start paid checks on a real person:"
  say "  Passfort  $url"
  say "  profile   $profile_id"
  say "  product   $product_alias"
  read -r -p "Type yes to go on: " answer
  [[ $answer == yes ]] || fail "nothing was sent"
}

# Prints the names of the gateway's settings in the environment.
settings_in_environment() {
  compgen -e | grep '^PASSFORT_GATEWAY_' || true
}

# demo_caller_flags CERTIFICATES CALLER: how the examples call a gateway that serves TLS; CALLER is caller or trial.
demo_caller_flags() {
  echo "--ca_file=$1/ca.crt --cert_file=$1/$2.crt --key_file=$1/$2.key"
}

# sign_demo_certificate FOLDER NAME EXTENSION...: FOLDER/NAME.crt and NAME.key, by the authority there.
sign_demo_certificate() {
  local folder=$1 name=$2 extension options=()
  shift 2
  for extension in "$@"; do
    options+=(-addext "$extension")
  done
  [[ $name == ca ]] || options+=(-CA "$folder/ca.crt" -CAkey "$folder/ca.key")
  # A configuration of its own: the machine's would add extensions.
  openssl req -x509 -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -days 2 \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=passfort-gateway demo $name" \
    "${options[@]}" -keyout "$folder/$name.key" -out "$folder/$name.crt"
}

# make_demo_certificates FOLDER: an authority, what it signs for the gateway on this machine, and for two callers.
make_demo_certificates() {
  local folder=$1
  (
    umask 077
    mkdir -p "$folder" &&
      sign_demo_certificate "$folder" ca basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign &&
      sign_demo_certificate "$folder" gateway basicConstraints=critical,CA:FALSE extendedKeyUsage=serverAuth \
        subjectAltName=DNS:localhost,IP:127.0.0.1 &&
      sign_demo_certificate "$folder" caller basicConstraints=critical,CA:FALSE extendedKeyUsage=clientAuth \
        "subjectAltName=URI:$DEMO_CALLER" &&
      sign_demo_certificate "$folder" trial basicConstraints=critical,CA:FALSE extendedKeyUsage=clientAuth \
        "subjectAltName=URI:$DEMO_TRIAL_CALLER"
  ) 2>"$folder.err" || {
    cat "$folder.err" >&2
    fail "openssl could not make the certificates"
  }
}

# write_demo_callers FILE: what each of the two callers may use, and nobody else. Needs a store.
write_demo_callers() {
  (
    umask 077
    cat >"$1" <<CALLERS
{
  "callers": [
    {"name": "caller", "principals": ["$DEMO_CALLER"], "products": ["forexo_basic"], "calls_per_minute": 600},
    {"name": "trial", "principals": ["$DEMO_TRIAL_CALLER"], "writes_per_day": 1}
  ],
  "default": null
}
CALLERS
  )
}

# print_calls_to_try PROGRAMS TARGET PROFILE_ID PRODUCT_ALIAS [CERTIFICATES]: for a gateway that serves TLS if there is
# a folder of certificates. A test runs each indented line, and looks for the `NAME: VALUE` at the end of its comment.
print_calls_to_try() {
  local client="$1/add_product_application --target=$2" target=$2 profile_id=$3 product_alias=$4 certificates=${5-}
  local service=passfort.gateway.v1.ProductApplicationService transport=-plaintext
  if [[ -n $certificates ]]; then
    client+=" $(demo_caller_flags "$certificates" caller)"
    transport="-cacert $certificates/ca.crt -cert $certificates/caller.crt -key $certificates/caller.key"
  fi
  cat <<LINES
Try it from another terminal:
  $client --profile_id=$profile_id --product_alias=$product_alias --request_id=order-1   # again, the same application: gateway-replayed: true
  $client --profile_id=not-a-uuid --product_alias=$product_alias   # fails, reason: INVALID_REQUEST
With grpcurl (https://github.com/fullstorydev/grpcurl/releases), if you have it:
  grpcurl $transport $target list
  grpcurl $transport -d '{"profile_id": "$profile_id", "product": {"alias": "$product_alias"}}' $target $service/AddProductApplication
  grpcurl -v $transport -d '{"profile_id": "$profile_id", "product": {"alias": "$product_alias"}, "request_id": "order-2"}' $target $service/AddProductApplication   # again, the same application: gateway-replayed: true
  grpcurl $transport -d '{"profile_id": "not-a-uuid"}' $target $service/AddProductApplication   # fails, Code: InvalidArgument
  grpcurl $transport -d '{"service": "$service"}' $target grpc.health.v1.Health/Check
LINES
}

# print_limited_calls_to_try PROGRAMS TARGET PROFILE_ID CERTIFICATES: likewise, what the callers file does not allow.
print_limited_calls_to_try() {
  local client="$1/add_product_application --target=$2" profile_id=$3 certificates=$4
  cat <<LINES
What the callers file does not allow, to a caller with one product and to one with one write a day:
  $client $(demo_caller_flags "$certificates" caller) --profile_id=$profile_id --product_alias=another   # fails, reason: CALLER_NOT_ALLOWED
  $client $(demo_caller_flags "$certificates" trial) --profile_id=$profile_id --product_alias=forexo_basic   # again, it fails, reason: CALLER_BUDGET_REACHED
LINES
}

# Shows every call of docs/tour.md and its answer, before a gateway and a fake-passfort of its own.
run_tour() {
  command_deps tour
  build release passfort-gateway fake-passfort
  exec /usr/bin/python3 -B tests/samples/run_tour.py --programs "$REPOSITORY/build/release/bin"
}

command_run() {
  if [[ ${1-} == --tour ]]; then
    (($# == 1)) || usage_error "run: --tour stands alone"
    run_tour
  fi
  local once=0 live=0 tls=0 profile_id=$DEMO_PROFILE product_alias=forexo_basic
  local profile_given=0 alias_given=0
  while (($# > 0)); do
    case $1 in
      --once) once=1 ;;
      --tls) tls=1 ;;
      --live) live=1 ;;
      --profile-id)
        (($# > 1)) || usage_error "run: --profile-id needs a value"
        profile_id=${2-} profile_given=1
        shift
        ;;
      --product-alias)
        (($# > 1)) || usage_error "run: --product-alias needs a value"
        product_alias=${2-} alias_given=1
        shift
        ;;
      *) usage_error "run: unknown argument '$1'" ;;
    esac
    shift
  done
  ((live || !(profile_given || alias_given))) ||
    usage_error "run: --profile-id and --product-alias belong to --live"
  ((!live || profile_given)) || usage_error "run: --live needs --profile-id"

  local api_url=${PASSFORT_GATEWAY_API_URL:-https://api.passfort.com/4.0}
  ((!live)) || ask_before_live_call "$api_url" "$profile_id" "$product_alias"

  command_deps run
  local binaries=$REPOSITORY/build/release/bin
  build release passfort-gateway fake-passfort add_product_application create_profile

  trap stop_processes EXIT
  work_folder=$(mktemp -d)
  local line environment=(env) settings=()
  if ((!live)); then
    local name
    for name in $(settings_in_environment); do
      say "ignored without --live: $name"
      environment+=("--unset=$name")
    done
    start_process fake-passfort "$binaries/fake-passfort" --listen 127.0.0.1:0 --api_key "$DEMO_KEY"
    wait_for_line fake-passfort '^fake-passfort: http'
    api_url=${line#fake-passfort: }
    environment+=("PASSFORT_GATEWAY_API_KEY=$DEMO_KEY")
    # So that a request_id can be tried; it goes with this run, as do the applications.
    settings=(--api_url "$api_url" --store "sqlite:$work_folder/records.db" --operations_service)
  fi

  local certificates='' callers='' caller_flags=()
  if ((tls)); then
    certificates=$work_folder/certificates
    make_demo_certificates "$certificates"
    settings+=(--tls_cert_file "$certificates/gateway.crt" --tls_key_file "$certificates/gateway.key"
      --tls_client_ca_file "$certificates/ca.crt")
    read -ra caller_flags <<<"$(demo_caller_flags "$certificates" caller)"
    say "certificates of this run: $certificates; the caller is $DEMO_CALLER"
  fi
  if ((tls && !live)); then
    callers=$work_folder/callers.json
    write_demo_callers "$callers"
    settings+=(--callers_file "$callers")
    say "what each caller may use: $callers; the gateway takes over what you change in it"
  fi

  local listen=127.0.0.1:0
  if ((!once)); then
    if is_port_free 50051; then
      listen=127.0.0.1:50051
    else
      say "port 50051 is taken: the gateway takes a free one"
    fi
  fi
  start_process passfort-gateway "${environment[@]}" "$binaries/passfort-gateway" \
    "${settings[@]}" --listen "$listen" --metrics_listen 127.0.0.1:0
  local gateway=${child_processes[-1]}
  wait_for_line passfort-gateway '"message":"serving"'
  local target metrics
  target=$(sed -n 's/.*"listen":"\([^"]*\)".*/\1/p' <<<"$line")
  metrics=$(sed -n 's/.*"metrics_listen":"\([^"]*\)".*/\1/p' <<<"$line")
  say "the gateway listens on $target, calls Passfort at $api_url; metrics: http://$metrics/metrics"

  # In the background, because a trap waits for what runs in the foreground. gRPC would go through the
  # proxy of http_proxy, even to this machine.
  local call_result=0
  no_grpc_proxy=127.0.0.1 setpriv --pdeathsig TERM "$binaries/add_product_application" \
    --target "$target" "${caller_flags[@]}" --profile_id "$profile_id" --product_alias "$product_alias" </dev/null &
  child_processes+=($!)
  wait $! || call_result=$?
  unset 'child_processes[-1]'
  ((!once)) || exit "$call_result"

  print_calls_to_try "$binaries" "$target" "$profile_id" "$product_alias" "$certificates" >&2
  [[ -z $callers ]] || print_limited_calls_to_try "$binaries" "$target" "$profile_id" "$certificates" >&2
  say "Ctrl-C ends it. The gateway's log:"
  trap 'exit 0' INT TERM
  setpriv --pdeathsig TERM tail -n +1 -f "$work_folder/passfort-gateway.log" >&2 &
  child_processes+=($!)
  wait "$gateway" || true
  cat "$work_folder/passfort-gateway.err" >&2
  fail "the gateway ended by itself"
}
