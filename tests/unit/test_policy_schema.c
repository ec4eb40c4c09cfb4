/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_schema.c - policies/schema.json, by which editors complete and check, has every key that the loader
 * knows, and no other.
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml_keys.h"
#include "tests/support/check_failed.h"

static json_t *schema;

/* Where "$ref": "#/$defs/x" leads; else the thing itself. */
static const json_t *
resolved(const json_t *part)
{
    const char *reference = json_string_value(json_object_get(part, "$ref"));
    if (reference == NULL) {
        return part;
    }
    static const char head[] = "#/$defs/";
    ck_assert_msg(strncmp(reference, head, sizeof(head) - 1) == 0, "%s", reference);
    return json_object_get(json_object_get(schema, "$defs"), &reference[sizeof(head) - 1]);
}

static bool
is_required(const json_t *object, const char *name)
{
    size_t i;
    const json_t *each;
    json_array_foreach(json_object_get(object, "required"), i, each)
    {
        if (strcmp(json_string_value(each), name) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_shape(const struct yaml_shape *shape, const json_t *object, const char *path);

static void
expect_choices(const struct yaml_key *key, const json_t *property, const char *path)
{
    const json_t *words = json_object_get(property, "enum");
    size_t count = 0;
    for (; key->choices[count].name != NULL; count++) {
        const char *word = json_string_value(json_array_get(words, count));
        ck_assert_msg(word != NULL && strcmp(word, key->choices[count].name) == 0, "%s", path);
    }
    ck_assert_msg(json_array_size(words) == count, "%s", path);
}

static void
expect_key(const struct yaml_key *key, const json_t *object, const char *path)
{
    const json_t *property =
        resolved(json_object_get(json_object_get(object, "properties"), key->name));
    char inner[256];
    (void)snprintf(inner, sizeof(inner), "%s.%s", path, key->name);
    ck_assert_msg(property != NULL, "%s is not in the schema", inner);
    ck_assert_msg(is_required(object, key->name) == key->required, "%s: required", inner);
    bool is_list = key->is_list && key->type != YAML_TYPE_PAIR;
    bool or_one = is_list && key->or_one;
    const json_t *list = or_one ? json_array_get(json_object_get(property, "oneOf"), 1) : property;
    const char *type = json_string_value(json_object_get(list, "type"));
    ck_assert_msg(!is_list || (type != NULL && strcmp(type, "array") == 0), "%s: a list", inner);
    if (is_list) {
        uint64_t min = (uint64_t)json_integer_value(json_object_get(list, "minItems"));
        uint64_t max = (uint64_t)json_integer_value(json_object_get(list, "maxItems"));
        ck_assert_msg(min == key->min, "%s: min", inner);
        ck_assert_msg(max == key->max, "%s: max %ju", inner, (uintmax_t)max);
    }
    if (key->type == YAML_TYPE_MAPPING) {
        const json_t *value = is_list ? resolved(json_object_get(list, "items")) : property;
        /* Where one of its keys may stand alone, a mapping is the first that it may be. */
        const json_t *kinds = json_object_get(value, "oneOf");
        ck_assert_msg((kinds != NULL) == (key->shape->shorthand != NULL), "%s: oneOf", inner);
        value = kinds == NULL ? value : json_array_get(kinds, 0);
        expect_shape(key->shape, value, inner);
    } else if (key->type == YAML_TYPE_CHOICE) {
        expect_choices(key, property, inner);
    }
}

static void
expect_shape(const struct yaml_shape *shape, const json_t *object, const char *path)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    ck_assert_msg(type != NULL && strcmp(type, "object") == 0, "%s: an object", path);
    ck_assert_msg(json_is_false(json_object_get(object, "additionalProperties")),
        "%s: unknown keys must be errors", path);
    for (size_t i = 0; i < shape->key_count; i++) {
        expect_key(&shape->keys[i], object, path);
    }
    const char *name;
    json_t *property;
    json_object_foreach(json_object_get(object, "properties"), name, property)
    {
        bool known = false;
        for (size_t i = 0; i < shape->key_count; i++) {
            known = known || strcmp(shape->keys[i].name, name) == 0;
        }
        ck_assert_msg(known, "%s.%s is in the schema alone", path, name);
    }
}

START_TEST(schema_and_loader_know_the_same_keys)
{
    json_error_t error;
    schema = json_load_file("policies/schema.json", JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(schema != NULL, "line %d: %s", error.line, error.text);
    expect_shape(&policy_yaml_file_shape, schema, "policy");
    json_decref(schema);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_schema");
    TCase *tcase = tcase_create("policy_schema");

    tcase_add_test(tcase, schema_and_loader_know_the_same_keys);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
