module.exports = async () => globalThis.stopMysql?.();
