export { default as ConnectMongo } from 'connect-mongo';
export * from 'mongodb';
