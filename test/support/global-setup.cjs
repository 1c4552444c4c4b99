const { findMysql } = require('./mysql-server.cjs');

module.exports = async () => {
  const server = await findMysql();
  globalThis.stopMysql = server?.stop;
  process.env.JIEQIAO_TEST_MYSQL = server?.url ?? '';
  if (server) return;
  if (process.env.CI) throw new Error('CI needs a MySQL or MariaDB server, and none answers or can be started');
  console.warn(
    '\n!!! NOT TESTED ON MySQL/MariaDB: no server answers at 127.0.0.1:3306 and no mariadbd is installed.\n' +
      '!!! Install mariadb-server, or set JIEQIAO_TEST_MYSQL=mysql://user:password@host:port, to run these suites.\n',
  );
};
