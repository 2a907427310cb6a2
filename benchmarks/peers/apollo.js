// Apollo Server, standalone.
'use strict'

const { ApolloServer } = require('@apollo/server')
const { startStandaloneServer } = require('@apollo/server/standalone')
const { typeDefs, resolvers, makeContext, port } = require('./composition.js')

startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), {
  listen: { host: '127.0.0.1', port },
  context: async () => makeContext()
})
