// In the place of egg-session, which is built in. This line is all that the change takes.
exports.session = { enable: true, package: '@sessile/egg' };
