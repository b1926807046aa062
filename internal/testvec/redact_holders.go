package testvec

import (
	"reflect"
	"unsafe"
)

// holders returns v, pointers to it and what it points to, each alone and in
// every kind of container, by the names of these places.
func holders(v any) map[string]any {
	out := map[string]any{"nil": nil}
	if v == nil {
		return out
	}
	x := reflect.ValueOf(v)
	pointer := pointerTo(x)
	containers(out, "value", x)
	containers(out, "pointer", pointer)
	containers(out, "pointer to pointer", pointerTo(pointer))
	if x.Kind() == reflect.Pointer && !x.IsNil() {
		containers(out, "target", x.Elem())
	}
	return out
}

// containers adds x and what can contain it to out.
func containers(out map[string]any, name string, x reflect.Value) {
	v := x.Interface()
	out[name] = v
	out[name+" in []any"] = []any{v}
	out[name+" in map[string]any"] = map[string]any{"held": v}
	out[name+" in a slice"] = reflect.Append(reflect.MakeSlice(reflect.SliceOf(x.Type()), 0, 1), x).Interface()
	array := reflect.New(reflect.ArrayOf(1, x.Type())).Elem()
	array.Index(0).Set(x)
	out[name+" in an array"] = array.Interface()
	dict := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), x.Type()))
	dict.SetMapIndex(reflect.ValueOf("held"), x)
	out[name+" in a map"] = dict.Interface()
	if x.Comparable() {
		out[name+" as a key"] = map[any]bool{v: true}
	}

	boxed := reflect.New(reflect.TypeFor[any]()).Elem()
	boxed.Set(x)
	for field, held := range map[string]reflect.Value{"field": x, "interface field": boxed} {
		for visibility, outer := range map[string]reflect.Value{"exported": structOf("Held", "", held), "unexported": structOf("held", "p", held)} {
			where := name + " in an " + visibility + " " + field
			out[where] = outer.Interface()
			out[where+", pointer"] = pointerTo(outer).Interface()
			out[where+", in an unexported field"] = structOf("outer", "p", outer).Interface()
			out[where+", by pointer in an unexported field"] = structOf("outer", "p", pointerTo(outer)).Interface()
		}
	}
}

func pointerTo(x reflect.Value) reflect.Value {
	p := reflect.New(x.Type())
	p.Elem().Set(x)
	return p
}

// structOf returns a struct whose one field holds x. An unexported field has the
// path of a package.
func structOf(name, pkg string, x reflect.Value) reflect.Value {
	outer := reflect.New(reflect.StructOf([]reflect.StructField{{Name: name, PkgPath: pkg, Type: x.Type()}})).Elem()
	field := outer.Field(0)
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(x) // Set alone refuses unexported fields
	return outer
}
