# The binary and nothing else. `make image` lays out dist/image and builds this;
# no base image is pulled.
#
#   docker run --rm -p 4566:4566 -v virga:/var/lib/localstack virga
#
# It runs as a user of its own. Functions in containers need the engine's socket:
#   -v /var/run/docker.sock:/var/run/docker.sock --group-add "$(stat -c %g /var/run/docker.sock)"
# and a directory of the host in place of the volume must be writable to user
# 65532, or be used with --user "$(id -u)".
FROM scratch
COPY --chown=65532:65532 dist/image/ /
USER 65532:65532
ENV VIRGA_HOST=0.0.0.0 VIRGA_DATA=/var/lib/localstack
VOLUME /var/lib/localstack
EXPOSE 4566
HEALTHCHECK --interval=5s --timeout=3s --start-period=1s --retries=3 CMD ["/virga", "status"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/virga"]
CMD ["start"]
