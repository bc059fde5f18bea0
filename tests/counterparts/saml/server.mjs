// A real SAML 2.0 identity provider for the black-box tests: samlp, with one person who is logged in already.
//
// node server.mjs '{"account": {"id": …, "email": …, "name": …, "groups": […]}, "sign_response": false}'
//
// It prints `ready http://127.0.0.1:<port>` when it listens, and ends when its standard input is closed. Its metadata is
// at /metadata; `?key=2` at /sso signs with the second of its keys, both of which the metadata tells.
import express from 'express';
import samlp from 'samlp';
import selfsigned from 'selfsigned';

const asked = JSON.parse(process.argv[2]);
const make = (name) => selfsigned.generate([{ name: 'commonName', value: name }], { keySize: 2048, algorithm: 'sha256' });
const keys = [make('first'), make('second')];
const account = asked.account;
const bare = (pem) => pem.replace(/-----[^-]+-----|\s/g, '');
const app = express();

// What the person is called in the assertion: an id that lasts, an address, groups.
const claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';
const profileMapper = () => ({
  getClaims: () => ({ [`${claims}emailaddress`]: account.email, displayName: account.name, groups: account.groups }),
  getNameIdentifier: () => ({
    nameIdentifier: account.id,
    nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  }),
});
profileMapper.prototype = {};

app.get('/sso', (request, response, next) => {
  samlp.parseRequest(request, {}, (error, parsed) => {
    if (error) return next(error);
    const key = keys[request.query.key === '2' ? 1 : 0];
    const place = parsed.assertionConsumerServiceURL;
    samlp.auth({
      issuer: `http://${request.headers.host}/metadata`,
      cert: key.cert,
      key: key.private,
      getPostURL: (audience, dom, req, done) => done(null, place),
      getUserFromRequest: () => account,
      profileMapper,
      destination: place,
      recipient: place,
      inResponseTo: parsed.id,
      lifetimeInSeconds: 300,
      signResponse: asked.sign_response ?? false,
      signAssertion: !(asked.sign_response ?? false),
    })(request, response, next);
  });
});

app.get('/metadata', (request, response) => {
  const here = `http://${request.headers.host}`;
  const key = (pair) => `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>`
    + `<X509Certificate>${bare(pair.cert)}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`;
  response.type('application/xml').send(`<?xml version="1.0"?>`
    + `<EntityDescriptor entityID="${here}/metadata" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`
    + `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${keys.map(key).join('')}`
    + `<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${here}/sso"/>`
    + `</IDPSSODescriptor></EntityDescriptor>`);
});

const server = app.listen(asked.port ?? 0, '127.0.0.1', () => {
  console.log(`ready http://127.0.0.1:${server.address().port}`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
