/*
 * jwks: writes public keys as a key set. Sees no private key.
 */
#include "authd/jwks.h"

#include "proto/base64url.h"

json_t *jwks_build(const struct jws_public *const keys[], size_t count)
{
	json_t *list = json_array();
	int err = list == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		char x[64];
		err = base64url_encode(keys[i]->key, sizeof(keys[i]->key), x, sizeof(x));
		if (err == 0 &&
			json_array_append_new(list,
				json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "kty", "OKP", "crv",
					"Ed25519", "kid", keys[i]->kid, "x", x, "use", "sig", "alg",
					"EdDSA")) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err != 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o}", "keys", list);
}
