/* SPDX-License-Identifier: Apache-2.0 */
/* test_hash.c - SipHash-1-3 against vectors of an independent implementation; folding. */
#include <check.h>
#include <stdlib.h>

#include "base/hash.h"
#include "tests/support/check_failed.h"

/* The key of the reference's vectors: bytes 00 01 .. 0f. */
static const struct hash_key key = {
    .k0 = UINT64_C(0x0706050403020100),
    .k1 = UINT64_C(0x0f0e0d0c0b0a0908),
};

/* vectors[n] is the hash of the n bytes 00 01 .. n-1. */
static const uint64_t vectors[] = {
    UINT64_C(0xabac0158050fc4dc),
    UINT64_C(0xc9f49bf37d57ca93),
    UINT64_C(0x82cb9b024dc7d44d),
    UINT64_C(0x8bf80ab8e7ddf7fb),
    UINT64_C(0xcf75576088d38328),
    UINT64_C(0xdef9d52f49533b67),
    UINT64_C(0xc50d2b50c59f22a7),
    UINT64_C(0xd3927d989bb11140),
    UINT64_C(0x369095118d299a8e),
    UINT64_C(0x25a48eb36c063de4),
    UINT64_C(0x79de85ee92ff097f),
    UINT64_C(0x70c118c1f94dc352),
    UINT64_C(0x78a384b157b4d9a2),
    UINT64_C(0x306f760c1229ffa7),
    UINT64_C(0x605aa111c0f95d34),
    UINT64_C(0xd320d86d2a519956),
    UINT64_C(0xcc4fdd1a7d908b66),
    UINT64_C(0x9cf2689063dbd80c),
    UINT64_C(0x8ffc389cb473e63e),
    UINT64_C(0xf21f9de58d297d1c),
    UINT64_C(0xc0dc2f46a6cce040),
    UINT64_C(0xb992abfe2b45f844),
    UINT64_C(0x7ffe7b9ba320872e),
    UINT64_C(0x525a0e7fdae6c123),
    UINT64_C(0xf464aeb267349c8c),
    UINT64_C(0x45cd5928705b0979),
    UINT64_C(0x3a3e35e3ca9913a5),
    UINT64_C(0xa91dc74e4ade3b35),
    UINT64_C(0xfb0bed02ef6cd00d),
    UINT64_C(0x88d93cb44ab1e1f4),
    UINT64_C(0x540f11d643c5e663),
    UINT64_C(0x2370dd1f8c21d1bc),
    UINT64_C(0x81157b6c16a7b60d),
    UINT64_C(0x4d54b9e57a8ff9bf),
    UINT64_C(0x759f12781f2a753e),
    UINT64_C(0xcea1a3bebf186b91),
    UINT64_C(0x2cf508d3ada26206),
    UINT64_C(0xb6101c2da3c33057),
    UINT64_C(0xb3f47496ae3a36a1),
    UINT64_C(0x626b57547b108392),
    UINT64_C(0xc1d2363299e41531),
    UINT64_C(0x667cc1923f1ad944),
    UINT64_C(0x65704ffec8138825),
    UINT64_C(0x24f280d1c28949a6),
    UINT64_C(0xc2ca1cedfaf8876b),
    UINT64_C(0xc2164bfc9f042196),
    UINT64_C(0xa16e9c9368b1d623),
    UINT64_C(0x49fb169c8b5114fd),
    UINT64_C(0x9f3143f8df074c46),
    UINT64_C(0xc6fdaf2412cc86b3),
    UINT64_C(0x7eaf49d10a52098f),
    UINT64_C(0x1cf313559d292f9a),
    UINT64_C(0xc44a30dda2f41f12),
    UINT64_C(0x36fae98943a71ed0),
    UINT64_C(0x318fb34c73f0bce6),
    UINT64_C(0xa27abf3670a7e980),
    UINT64_C(0xb4bcc0db243c6d75),
    UINT64_C(0x23f8d852fdb71513),
    UINT64_C(0x8f035f4da67d8a08),
    UINT64_C(0xd89cd0e5b7e8f148),
    UINT64_C(0xf6f4e6bcf7a644ee),
    UINT64_C(0xaec59ad80f1837f2),
    UINT64_C(0xc3b2f6154b6694e0),
    UINT64_C(0x9d199062b7bbb3a8),
};

START_TEST(hash_equals_vector)
{
    uint8_t bytes[COUNT_OF(vectors)];
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    uint64_t got = hash_bytes(&key, span_from(bytes, (size_t)_i));
    ck_assert_msg(got == vectors[_i], "%d bytes: got %016llx, want %016llx", _i,
        (unsigned long long)got, (unsigned long long)vectors[_i]);
}
END_TEST

START_TEST(size_beyond_a_byte_and_another_key)
{
    const struct hash_key other = { .k0 = 1, .k1 = 2 };
    uint8_t bytes[300];
    memset(bytes, 0xab, sizeof(bytes));
    ck_assert_uint_eq(hash_bytes(&other, span_from(bytes, 300)), UINT64_C(0xe9cadfb51e77d86e));
}
END_TEST

START_TEST(hash_does_not_depend_on_alignment)
{
    uint8_t bytes[40] = { 0 };
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < 20; i++) {
            bytes[shift + i] = (uint8_t)i;
        }
        ck_assert_uint_eq(hash_bytes(&key, span_from(&bytes[shift], 20)), vectors[20]);
    }
}
END_TEST

START_TEST(both_halves_of_the_key_matter)
{
    const struct hash_key first = { .k0 = key.k0 ^ 1, .k1 = key.k1 };
    const struct hash_key second = { .k0 = key.k0, .k1 = key.k1 ^ 1 };
    uint64_t hash = hash_bytes(&key, SPAN("name"));
    ck_assert_uint_ne(hash, hash_bytes(&first, SPAN("name")));
    ck_assert_uint_ne(hash, hash_bytes(&second, SPAN("name")));
}
END_TEST

START_TEST(fold_is_siphash_of_seed_and_part)
{
    uint64_t seed = hash_fold(&key, 0, SPAN("ab"));
    ck_assert_uint_eq(seed, UINT64_C(0x65cc7a8244a02663));
    ck_assert_uint_eq(hash_fold(&key, seed, SPAN("c")), UINT64_C(0xe422071df8d0d92b));
}
END_TEST

static uint64_t
fold_two(struct span first, struct span second)
{
    return hash_fold(&key, hash_fold(&key, 0, first), second);
}

START_TEST(fold_keeps_parts_apart)
{
    uint64_t hash = fold_two(SPAN("ab"), SPAN("c"));
    ck_assert_uint_ne(hash, fold_two(SPAN("a"), SPAN("bc")));
    ck_assert_uint_ne(hash, fold_two(SPAN("c"), SPAN("ab")));
    ck_assert_uint_ne(hash, fold_two(SPAN("abc"), SPAN_NONE));
    ck_assert_uint_ne(hash, fold_two(SPAN_NONE, SPAN("abc")));
    ck_assert_uint_ne(hash, hash_fold(&key, 0, SPAN("abc")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tcase = tcase_create("hash");
    tcase_add_loop_test(tcase, hash_equals_vector, 0, (int)COUNT_OF(vectors));
    tcase_add_test(tcase, size_beyond_a_byte_and_another_key);
    tcase_add_test(tcase, hash_does_not_depend_on_alignment);
    tcase_add_test(tcase, both_halves_of_the_key_matter);
    tcase_add_test(tcase, fold_is_siphash_of_seed_and_part);
    tcase_add_test(tcase, fold_keeps_parts_apart);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
