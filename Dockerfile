# The gateway's image, from Debian's packages alone. It holds what the gateway needs at run time and nothing else
# (docs/decisions/0027-image-of-nothing-else.md):
#
#   docker build -t passfort-gateway:0.1.0 .
#   docker build --target fake-passfort -t fake-passfort:0.1.0 .   # for deploy/overlays/demo
#
# With --build-arg REVISION="$(git rev-parse HEAD)" its label says which commit it is of. `--pull --no-cache` takes in
# what Debian has mended since the last build.

FROM debian:12-slim AS build
WORKDIR /source
# Before the sources, so that an edit of them installs nothing anew.
COPY dev ./
COPY tools/*.sh tools/
# Libraries of the base go into the image too, so with the fixes since it was made.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y \
    && ./dev deps image \
    && rm -rf /var/lib/apt/lists/*
# Debian's sources of gRPC, with our patch.
COPY cmake/grpc cmake/grpc
RUN cmake/grpc/fetch.sh build/grpc
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY proto proto
COPY service service
RUN cmake --preset hardened -D GATEWAY_FAKE=OFF -D GATEWAY_EXAMPLES=OFF \
    && cmake --build --preset hardened \
    && build/hardened/bin/passfort-gateway --version | grep -q hardened \
    # The failpoints, by which tests kill the gateway at an exact moment, are in no release.
    && ! grep -q GATEWAY_FAILPOINTS build/hardened/bin/passfort-gateway
COPY tools/image tools/image
RUN python3 -B tools/image/make_root.py --build build/hardened --program passfort-gateway --root /image

FROM build AS build-fake-passfort
COPY tests tests
RUN cmake --preset hardened -D GATEWAY_FAKE=ON \
    && cmake --build --preset hardened --target fake-passfort \
    && python3 -B tools/image/make_root.py --build build/hardened --program fake-passfort --root /image

FROM scratch AS fake-passfort
LABEL org.opencontainers.image.title="fake-passfort" \
      org.opencontainers.image.description="Behaves like the profiles and product applications of Passfort's API; for trying and testing passfort-gateway" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build-fake-passfort /image /
# By number, because Kubernetes' runAsNonRoot cannot judge a name. The user owns nothing.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/bin/fake-passfort"]

FROM scratch AS passfort-gateway
ARG REVISION=unknown
LABEL org.opencontainers.image.title="passfort-gateway" \
      org.opencontainers.image.description="gRPC gateway in front of Passfort's REST API" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
USER 65532:65532
EXPOSE 50051 9464
ENTRYPOINT ["/usr/bin/passfort-gateway"]
