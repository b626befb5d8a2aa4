# The gateway's image, from Debian's packages alone:
#
#   docker build -t passfort-gateway:0.1.0 .
#   docker build --target fake-passfort -t fake-passfort:0.1.0 .   # for deploy/overlays/demo

FROM debian:12-slim AS build
WORKDIR /source
# Before the sources, so that an edit of them installs nothing anew.
COPY dev ./
COPY tools/*.sh tools/
RUN ./dev deps hardened && rm -rf /var/lib/apt/lists/*
# Debian's sources of gRPC, with our patch.
COPY cmake/grpc cmake/grpc
RUN cmake/grpc/fetch.sh build/grpc
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY proto proto
COPY service service
RUN cmake --preset hardened -D GATEWAY_FAKE=OFF -D GATEWAY_EXAMPLES=OFF \
    && cmake --build --preset hardened \
    && strip build/hardened/bin/passfort-gateway \
    && build/hardened/bin/passfort-gateway --version | grep -q hardened \
    # The failpoints, by which tests kill the gateway at an exact moment, are in no release.
    && ! grep -q GATEWAY_FAILPOINTS build/hardened/bin/passfort-gateway

# What a server of ours needs at run time: the libraries that it links directly bring the others.
FROM debian:12-slim AS runtime
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates \
        libc-ares2 \
        libcurl4 \
        libfmt9 \
        libpq5 \
        libprometheus-cpp-core1.0 \
        libre2-9 \
        libspdlog1.10 \
        libsqlite3-0 \
        libssl3 \
        libuv1 \
        zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/* \
    # Nothing here changes its user, so nothing needs to be able to.
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
# By number, because Kubernetes' runAsNonRoot cannot judge a name. The user owns nothing.
USER 65532:65532

FROM build AS build-fake-passfort
COPY tests tests
RUN cmake --preset hardened -D GATEWAY_FAKE=ON \
    && cmake --build --preset hardened --target fake-passfort \
    && strip build/hardened/bin/fake-passfort

FROM runtime AS fake-passfort
LABEL org.opencontainers.image.title="fake-passfort" \
      org.opencontainers.image.description="Behaves like the product applications of Passfort's API; for trying and testing passfort-gateway"
COPY --from=build-fake-passfort /source/build/hardened/bin/fake-passfort /usr/bin/
# A library that is missing from the list above stops the build here, not a pod later.
RUN ! ldd /usr/bin/fake-passfort | grep 'not found'
EXPOSE 8080
ENTRYPOINT ["/usr/bin/fake-passfort"]

FROM runtime AS passfort-gateway
LABEL org.opencontainers.image.title="passfort-gateway" \
      org.opencontainers.image.description="gRPC gateway in front of Passfort's REST API"
COPY --from=build /source/build/hardened/bin/passfort-gateway /usr/bin/
RUN ! ldd /usr/bin/passfort-gateway | grep 'not found'
EXPOSE 50051 9464
ENTRYPOINT ["/usr/bin/passfort-gateway"]
