// Does a library that knows nothing of Signalbox get along with it, from the metadata alone? Prints one line of JSON.
//
//   node verify.mjs ISSUER CLIENT_ID CLIENT_SECRET SCOPE [TOKEN…]
//
// Gets a token by the client credentials grant, verifies it and every TOKEN by the published keys, asks about the first
// one, revokes it and asks again.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'

const [issuer, clientId, secret, scope, ...others] = process.argv.slice(2)
const insecure = { [oauth.allowInsecureRequests]: true }

const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...insecure })
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered)
const openid = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oidc', ...insecure })
await oauth.processDiscoveryResponse(new URL(issuer), openid)

const keys = createRemoteJWKSet(new URL(server.jwks_uri))
const demands = { issuer: server.issuer, audience: 'signalbox', typ: 'at+jwt', algorithms: ['EdDSA'] }
const verify = async (token) => (await jwtVerify(token, keys, demands)).payload

const client = { client_id: clientId }
const answers = {}
for (const [name, auth] of [
  ['basic', oauth.ClientSecretBasic(secret)],
  ['post', oauth.ClientSecretPost(secret)],
]) {
  const parameters = new URLSearchParams({ scope })
  const response = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, insecure)
  answers[name] = await oauth.processClientCredentialsResponse(server, client, response)
}
const token = answers.basic.access_token
const auth = oauth.ClientSecretBasic(secret)

// Also as a resource server has it: RFC 9068, with all that the header and the claims must hold.
const request = new Request('http://resource.example/', { headers: { authorization: `Bearer ${token}` } })
await oauth.validateJwtAccessToken(server, request, 'signalbox', insecure)

const ask = async (text) => {
  const response = await oauth.introspectionRequest(server, client, auth, text, insecure)
  return oauth.processIntrospectionResponse(server, client, response)
}
const before = await ask(token)
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token, insecure))
const after = await ask(token)

console.log(JSON.stringify({
  own: await verify(token),
  others: await Promise.all(others.map(verify)),
  expires_in: answers.post.expires_in,
  before,
  after,
}))
