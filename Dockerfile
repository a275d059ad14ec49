# syntax=docker/dockerfile:1
# The program alone on distroless "cc": glibc, libgcc and certificates, no shell, no package manager, a user that is not root. Not
# "static" and not scratch: SQLite and aws-lc are C, built against glibc here as in every other place where this program is
# tested, and a static build would be one that nobody tests.
#
#   docker build -t stakeout .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges --env-file secrets.env \
#     -v stakeout:/var/lib/stakeout -v "$PWD/stakeout.toml:/etc/stakeout/stakeout.toml:ro" stakeout

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin stakeout && strip --strip-all -o /stakeout target/release/stakeout
# A volume is made with the owner and the mode of the folder that it covers.
RUN install -d -m 0700 -o 65532 -g 65532 /state

# Debian 12 has the C library that the build has.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /stakeout /usr/local/bin/stakeout
COPY --from=build --chown=65532:65532 /state /var/lib/stakeout
ENV XDG_CONFIG_HOME=/etc XDG_STATE_HOME=/var/lib
USER 65532:65532
WORKDIR /var/lib/stakeout
VOLUME /var/lib/stakeout
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/stakeout"]
CMD ["watch"]
