import { Controller, Get, Module, Session } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import session from 'express-session';
import { SqliteStore } from '@sessile/store-sqlite';

@Controller()
class AppController {
  @Get()
  views(@Session() visitor: { views?: number }): string {
    visitor.views = (visitor.views ?? 0) + 1;
    return `views: ${visitor.views}`;
  }
}

@Module({ controllers: [AppController] })
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.use(
    session({
      store: new SqliteStore({ file: './sessions.sqlite' }),
      secret: process.env['SESSION_SECRET'] ?? 'only for trying it out',
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 86_400_000 },
    }),
  );
  await app.listen(process.env['PORT'] ?? 3000);
}

void bootstrap();
