// The JavaScript peers: one JSON request a line on standard input, one answer
// a line on standard output. Byte strings are hexadecimal.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const vm = require('vm')

// SJCL from its sources: the module of that name leaves out srp.js, bn.js and
// sha512.js.
const sjcl = (() => {
  const core = path.join(path.dirname(require.resolve('sjcl')), 'core')
  const first = ['sjcl.js', 'aes.js', 'bitArray.js', 'codecString.js', 'codecHex.js', 'codecBase64.js', 'sha256.js', 'sha512.js', 'sha1.js', 'hmac.js', 'pbkdf2.js', 'random.js', 'bn.js', 'srp.js', 'gcm.js', 'convenience.js']
  const source = first.map(f => fs.readFileSync(path.join(core, f), 'utf8')).join('\n')
  const context = vm.createContext({ crypto: crypto.webcrypto, Uint32Array, module: { exports: {} }, require })
  vm.runInContext(source + '\nthis.sjcl = sjcl', context)
  return context.sjcl
})()

// What SJCL's pbkdf2 takes in place of HMAC-SHA256.
function HmacSHA512 (key) {
  return new sjcl.misc.hmac(key, sjcl.hash.sha512)
}

const { SRP, SrpClient, SrpServer } = require('fast-srp-hap')

const opaque = require('@serenity-kit/opaque')

const bytes = hex => Buffer.from(hex, 'hex')

const servers = new Map()

const operations = {
  // SJCL's verifier, without leading zero bytes as it comes.
  'sjcl-verifier': ({ I, P, salt, bits }) => {
    const s = sjcl.codec.hex.toBits(salt)
    const group = sjcl.keyexchange.srp.knownGroup(bits)
    const v = sjcl.keyexchange.srp.makeVerifier(I, P, s, group)
    return { v: sjcl.codec.hex.fromBits(v.toBits()) }
  },

  // SJCL JSON with GCM, under a key, or under a password where there is one.
  // SJCL draws the IV that it is not given; adata that is not given is empty.
  'sjcl-encrypt': ({ password, key, plaintext, iv, adata, ts, ks }) => {
    const params = { mode: 'gcm', ts }
    if (ks) params.ks = ks
    if (iv) params.iv = sjcl.codec.hex.toBits(iv)
    if (adata) params.adata = sjcl.codec.hex.toBits(adata)
    return { text: sjcl.encrypt(password || sjcl.codec.hex.toBits(key), sjcl.codec.hex.toBits(plaintext || ''), params) }
  },
  'sjcl-decrypt': ({ key, text }) => ({
    plaintext: sjcl.codec.hex.fromBits(sjcl.decrypt(sjcl.codec.hex.toBits(key), text, { raw: 1 }))
  }),
  // All 64 bytes of PBKDF2-HMAC-SHA512.
  'sjcl-pbkdf2': ({ P, salt, iterations }) => ({
    K: sjcl.codec.hex.fromBits(sjcl.misc.pbkdf2(P, sjcl.codec.hex.toBits(salt), iterations, 512, HmacSHA512))
  }),

  // fast-srp-hap, whose parameters are those of RFC 5054 with a hash beside.
  'fast-verifier': ({ I, P, salt, group, hash }) => ({
    v: SRP.computeVerifier({ ...SRP.params[group], hash }, bytes(salt), Buffer.from(I), Buffer.from(P)).toString('hex')
  }),
  'fast-client': ({ I, P, salt, B, group, hash }) => {
    const client = new SrpClient({ ...SRP.params[group], hash }, bytes(salt), Buffer.from(I), Buffer.from(P), crypto.randomBytes(40))
    client.setB(bytes(B))
    return { A: client.computeA().toString('hex'), M1: client.computeM1().toString('hex'), M2: client._M2.toString('hex'), K: client.computeK().toString('hex'), S: client._S.toString('hex') }
  },
  'fast-server-begin': ({ I, salt, v, group, hash }) => {
    const identity = { username: Buffer.from(I), salt: bytes(salt), verifier: bytes(v) }
    const server = new SrpServer({ ...SRP.params[group], hash }, identity, crypto.randomBytes(40))
    const id = crypto.randomUUID()
    servers.set(id, server)
    return { id, B: server.computeB().toString('hex') }
  },
  'fast-server-finish': ({ id, A, M1 }) => {
    const server = servers.get(id)
    servers.delete(id)
    server.setA(bytes(A))
    const S = server._S.toString('hex')
    try {
      server.checkM1(bytes(M1))
    } catch (e) { // a wrong M1 gets no M2
      return { S }
    }
    return { S, M2: server.computeM2().toString('hex'), K: server.computeK().toString('hex') }
  },

  // A function of @serenity-kit/opaque, with its own argument and result, byte
  // strings in base64url. A client's failed login has no result.
  opaque: ({ side, step, argument }) => ({ result: opaque[side][step](argument) })
}

// Requests wait until the code of @serenity-kit/opaque is compiled.
opaque.ready.then(() => readline.createInterface({ input: process.stdin }).on('line', line => {
  let answer
  try {
    const request = JSON.parse(line)
    answer = operations[request.op](request)
  } catch (e) {
    answer = { error: String(e) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}))
