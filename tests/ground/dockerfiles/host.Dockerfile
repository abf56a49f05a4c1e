# Machines to test against: `bare` (systemd, sshd, Python), `vm` (with Docker and CDI), `container` (a rental without
# systemd or Docker), `user` (a VM on which swarmctl itself runs). Keys come in when a host starts.
ARG SUITE=trixie
FROM debian:$SUITE-slim AS ssh
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    apt-get update -q && apt-get install -y -q --no-install-recommends openssh-server python3 \
    && rm -rf /var/lib/apt/lists/* /var/log/* /etc/ssh/ssh_host_*
EXPOSE 22

FROM ssh AS container
# As rented containers are: a script is PID 1, and there is no service manager.
CMD ["sh", "-c", "mkdir -p /run/sshd && ssh-keygen -qA && exec /usr/sbin/sshd -De"]

FROM ssh AS bare
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    apt-get update -q && apt-get install -y -q --no-install-recommends systemd systemd-sysv dbus \
    && rm -rf /var/lib/apt/lists/* /var/log/* /etc/machine-id && touch /etc/machine-id \
    # What a container has no kernel of its own for, and what would install packages in the middle of a test.
    && systemctl mask systemd-modules-load.service apt-daily.timer apt-daily-upgrade.timer \
    && mkdir -p /etc/systemd/system/ssh.service.d \
    && printf '[Service]\nExecStartPre=\nExecStartPre=ssh-keygen -qA\n' > /etc/systemd/system/ssh.service.d/keys.conf
ENV container=docker
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]

FROM bare AS vm
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    apt-get update -q && apt-get install -y -q --no-install-recommends docker.io docker-cli docker-compose iptables sudo \
    && rm -rf /var/lib/apt/lists/* /var/log/* \
    && mkdir -p /etc/docker /etc/cdi /etc/systemd/system/docker.service.d \
    && echo '{"features": {"cdi": true}}' > /etc/docker/daemon.json \
    # A container's /proc/sys is read-only until it is mounted anew, and the Engine writes there.
    && printf '[Service]\nExecStartPre=mount -o remount,rw /proc/sys\n' > /etc/systemd/system/docker.service.d/sys.conf
VOLUME /var/lib/docker

FROM ssh AS packages
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    apt-get update -q && apt-get install -y -q --no-install-recommends python3-pip ca-certificates
ARG DEPENDENCIES
RUN --mount=type=secret,id=env,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    if [ -e /run/secrets/env ]; then . /run/secrets/env; fi; \
    if [ -e /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    pip install --no-cache-dir --only-binary :all: --target /opt/swarmctl $DEPENDENCIES && rm -rf /opt/swarmctl/bin

FROM vm AS user
COPY --from=packages /opt/swarmctl /opt/swarmctl
ENV PYTHONPATH=/opt/swarmctl
