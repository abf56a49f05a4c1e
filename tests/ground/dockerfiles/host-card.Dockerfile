# A rental made of an image that has llama.cpp's server for its card: sshd and Python beside it, and for CUDA the software
# GPU, which is one only for who is told to see it. Keys come in when a host starts.
ARG LLAMA
FROM $LLAMA
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host,mode=0444 --mount=type=secret,id=ca,mode=0444 \
    apt-get update -q && apt-get install -y -q --no-install-recommends openssh-server python3 \
    && rm -rf /var/lib/apt/lists/* /var/log/* /etc/ssh/ssh_host_* \
    # An index of an unreleased suite may be past its date.
    && echo 'Acquire::Check-Valid-Until "false";' > /etc/apt/apt.conf.d/99old \
    && { echo '#!/bin/sh'; \
         echo 'if [ "${CUDA_VISIBLE_DEVICES-all}" ]; then'; \
         echo '  export GGML_VK_VISIBLE_DEVICES=0 STAND_IN_CARD="$CUDA_VISIBLE_DEVICES"'; \
         echo '  export MESA_SHADER_CACHE_DIR=/var/cache/stand-in-cards'; \
         echo 'fi'; \
         echo 'exec /usr/bin/llama-server "$@"'; } > /usr/local/bin/llama-server \
    && chmod 755 /usr/local/bin/llama-server
EXPOSE 22
CMD ["sh", "-c", "mkdir -p /run/sshd && ssh-keygen -qA && exec /usr/sbin/sshd -De"]
