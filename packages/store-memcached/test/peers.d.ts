declare module 'connect-memcached';
