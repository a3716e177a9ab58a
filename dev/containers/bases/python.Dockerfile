# Stands in for python:3.11-slim-bookworm: this machine's Python, where that image has it.
FROM trunkline-debian
COPY python /usr/local
RUN ldconfig
ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
