# Stands in for nats:2.15.1-alpine: the same server, from its wheel.
FROM trunkline-debian
COPY nats-server wget /usr/local/bin/
ENTRYPOINT ["nats-server"]
