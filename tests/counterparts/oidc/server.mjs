// A real OpenID Connect provider for the black-box tests: oidc-provider, with one person who says yes at once.
//
// node server.mjs '{"client_id": …, "client_secret": …, "redirect_uri": …, "account": {"sub": …, "email": …, …}}'
//
// It prints `ready http://127.0.0.1:<port>` when it listens, and ends when its standard input is closed.
import http from 'node:http';
import Provider from 'oidc-provider';

const asked = JSON.parse(process.argv[2]);
const server = http.createServer();

server.listen(asked.port ?? 0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: asked.client_id,
      client_secret: asked.client_secret,
      redirect_uris: [asked.redirect_uri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: asked.auth_method ?? 'client_secret_basic',
      id_token_signed_response_alg: asked.alg ?? 'RS256',
    }],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    // With conformIdTokenClaims (the default) the address is told at the userinfo endpoint only.
    conformIdTokenClaims: asked.conform ?? true,
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ ...asked.account, sub: id }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/yes/${interaction.uid}` },
    cookies: { keys: ['only for tests'] },
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 300, Session: 300, Grant: 300 },
  });
  const handle = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/yes/')) return handle(request, response);
    try {
      const details = await provider.interactionDetails(request, response);
      if (asked.refuse) {
        const no = { error: 'access_denied', error_description: 'The person said no' };
        return await provider.interactionFinished(request, response, no);
      }
      const grant = new provider.Grant({ accountId: asked.account.sub, clientId: details.params.client_id });
      grant.addOIDCScope('openid email profile');
      const result = { login: { accountId: asked.account.sub }, consent: { grantId: await grant.save() } };
      await provider.interactionFinished(request, response, result);
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  console.log(`ready ${issuer}`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
