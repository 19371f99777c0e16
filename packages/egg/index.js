// @ts-check
/** For `config/plugin.js`: `exports.session = require('@sessile/egg').plugin`, where egg does not find the package by its name. */
exports.plugin = { enable: true, path: __dirname };
