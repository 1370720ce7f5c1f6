/** The bare limit of importing the package: the four packages that it cannot do without. Imported in a fresh process. */
import 'reflect-metadata';
import 'eventemitter3';
import 'pino';
import 'tsyringe';
