# One node. Build: docker build -t jieqiao . Every step below is also run without a container engine by
# test/integration/container-steps.spec.ts, so keep them to what a plain shell can do.

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund
RUN npm run build
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    JIEQIAO_DATA_DIR=/data \
    JIEQIAO_HTTP_HOST=0.0.0.0 \
    JIEQIAO_PEER_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/libs ./libs
COPY --from=build /app/apps ./apps
COPY --from=build /app/proto ./proto
COPY --from=build /app/test ./test
# A volume mounted here for the first time takes over the owner.
RUN install -d -m 0700 -o node -g node /data /nodes/pinghu /nodes/jinshan
USER node
VOLUME /data
EXPOSE 8080 9080 9081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.JIEQIAO_HTTP_PORT || 8080}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "apps/gateway/dist/cli/jieqiao.js"]
CMD ["serve"]
