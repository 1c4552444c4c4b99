import { GatewayError, hasCode } from '@jieqiao/core';
import {
  configExitCode,
  createLogger,
  describeConfigError,
  type Logger,
  loadConfig,
  Metrics,
  type NodeConfig,
} from '@jieqiao/platform';
import { appModule } from './app.module';
import { Gateway } from './gateway';
import { createHttpApp } from './http/http-app';

/** A node that can't finish its work in this time ends anyway; whatever was under way goes on from the database. */
const drainMs = 10_000;

/** Starts the node of this configuration and serves until SIGTERM or SIGINT. */
async function serve(config: NodeConfig, log: Logger): Promise<void> {
  const gateway = await Gateway.open(config, log, () => new Date());
  const app = await createHttpApp(appModule(gateway, new Metrics(config.node)), config, log);
  await gateway.start();
  await app.listen(config.http.port, config.http.host);
  log.info({ http: await app.getUrl() }, 'ready');

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), drainMs).unref();
    app
      .close()
      .then(() => gateway.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ error }, 'stopped with an error');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function main(): Promise<void> {
  let config: NodeConfig;
  try {
    config = loadConfig({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd() });
  } catch (error) {
    console.error(error instanceof GatewayError ? describeConfigError(error) : String(error));
    process.exitCode = configExitCode;
    return;
  }
  const log = createLogger(config.log.level, config.node);
  try {
    await serve(config, log);
  } catch (error) {
    log.fatal({ error }, 'the node does not start');
    process.exitCode = hasCode(error, 'CONFIG_INVALID', 'KEY_UNUSABLE') ? configExitCode : 1;
  }
}

void main();
