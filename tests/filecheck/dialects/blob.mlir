// RUN: pqc opt %s | filecheck %s
// RUN: pqc opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: pqc opt %s -p dce | filecheck %s --check-prefix=UNUSED
// RUN: pqc opt %s -p cse,dce | filecheck %s --check-prefix=TWICE

// The text holds a name and a digest; the array lies in the folder beside it.
// CHECK: %0 = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
// CHECK: %1 = blob.constant <"bias", "d63c918771c65897"> {note = "kept"} : tensor<3xsi32>
// CHECK: %2 = blob.constant <"bias", "d63c918771c65897"> {note = "kept"} : tensor<3xsi32>
// CHECK: %3 = blob.constant <"float \22table\22", "620e6e14052da04f"> : tensor<2x4x3xf32>

// GENERIC: %1 = "blob.constant"() <{data = #blob.data<"bias", "d63c918771c65897">}> {note = "kept"} : () -> tensor<3xsi32>

// UNUSED-NOT: codebook
// UNUSED: @used

// TWICE: %0 = blob.constant <"bias"
// TWICE-NEXT: %1 = blob.constant <"float
// TWICE-NEXT: func.return %0, %0, %1
func.func @used() -> (tensor<3xsi32>, tensor<3xsi32>, tensor<2x4x3xf32>) {
  %0 = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %1 = blob.constant <"bias", "d63c918771c65897"> {note = "kept"} : tensor<3xsi32>
  %2 = blob.constant <"bias", "d63c918771c65897"> {note = "kept"} : tensor<3xsi32>
  %3 = blob.constant <"float \22table\22", "620e6e14052da04f"> : tensor<2x4x3xf32>
  func.return %1, %2, %3 : tensor<3xsi32>, tensor<3xsi32>, tensor<2x4x3xf32>
}
